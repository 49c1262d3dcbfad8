"""The page about rules tells all about referrals, and its example can be published."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import pytest
import yaml
from pydantic import TypeAdapter

from loyalty_engine.core.program.faults import FaultCode
from loyalty_engine.core.program.referrals import (
    AdvocateTerms,
    FriendTerms,
    Qualification,
    QualifiesByOrder,
    ReferralEntry,
    ReferralGuards,
    ReferralLimit,
    Reward,
    Rung,
    SharedWithAdvocate,
    SharedWithMembers,
    Verdict,
)
from loyalty_engine.core.referrals.state import State
from tests.core.program.mistakes import change, found

PAGE: Final = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
SECTION: Final = PAGE.partition("\n## Referrals\n")[2].partition("\n## ")[0]
MODELS: Final = (
    ReferralEntry,
    QualifiesByOrder,
    FriendTerms,
    AdvocateTerms,
    Rung,
    ReferralLimit,
    ReferralGuards,
    SharedWithAdvocate,
    SharedWithMembers,
)


def words() -> Iterator[str]:
    for model in MODELS:
        yield from model.model_fields
    yield from TypeAdapter(Qualification).json_schema()["discriminator"]["mapping"]
    yield from TypeAdapter(Reward).json_schema()["discriminator"]["mapping"]
    yield from (*get_args(State), *get_args(Verdict), FaultCode.REWARDED_TOO_EARLY.value)


@pytest.mark.parametrize("word", sorted({*words()} - {"name"}))
def test_the_page_speaks_of(word: str) -> None:
    assert f"`{word}" in SECTION or f"{word}: " in SECTION


def test_its_example_has_no_fault() -> None:
    [written] = re.findall(r"^```yaml program\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    assert found(change("/referrals", yaml.safe_load(written)["referrals"])) == []
