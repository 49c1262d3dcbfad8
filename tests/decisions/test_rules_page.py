"""The page about rules leaves nothing out; its examples run with the other decision cases."""

from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest

from loyalty_engine.core.program.conditions import BirthdayWindow, HistoryComparison, LinesComparison
from loyalty_engine.core.program.earning import (
    EarningGroup,
    EarningPolicy,
    EarningRuleEntry,
    Limit,
    Multiply,
    PerAmount,
)
from loyalty_engine.core.program.facts import FACTS, OPERATORS
from loyalty_engine.core.rules.reasons import WhyNot
from tests.decisions.examples import RULES_PAGE, read_page

PAGE: Final = RULES_PAGE.read_text(encoding="utf-8")
MODELS: Final = (
    EarningRuleEntry,
    EarningPolicy,
    EarningGroup,
    Limit,
    Multiply,
    PerAmount,
    BirthdayWindow,
    HistoryComparison,
    LinesComparison,
)


def words() -> Iterator[str]:
    yield from (fact.name for fact in FACTS)
    yield from {operator for operators in OPERATORS.values() for operator in operators}
    yield from ("applied", *get_args(WhyNot))
    for model in MODELS:
        yield from (field.alias or name for name, field in model.model_fields.items())
    kinds: Any = EarningRuleEntry.model_json_schema()["properties"]["earn"]["discriminator"]["mapping"]
    yield from kinds


@pytest.mark.parametrize("word", sorted(set(words())))
def test_the_page_speaks_of(word: str) -> None:
    assert f"`{word}" in PAGE or f"{word}: " in PAGE


def test_the_page_has_an_example_in_most_sections() -> None:
    assert len(read_page(RULES_PAGE)) >= PAGE.count("\n## ") - 3
