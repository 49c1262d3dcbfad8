"""Runs the examples of referrals: every choice that a programme can make, and what becomes of both sides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.api.documents import read_yaml
from loyalty_engine.application.publishing import Prepared, prepare
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.reading import parse_program
from tests.decisions.examples import Case, read_cases, read_ruleset
from tests.decisions.friends import Friends

CASES: Final = read_cases("referrals", "referral_guards")
STORIES: Final = read_cases("referral_shop")
SHOP: Final = Path(__file__).parents[2] / "examples" / "plant_shop.yaml"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_friends_are_brought_as_written(case: Case) -> None:
    play(Friends(read_ruleset(case), case.get("pools", {})), case)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_a_story_of_the_plant_shop_comes_out_as_it_is_told(story: Case) -> None:
    program = parse_program(read_yaml(SHOP.read_bytes()))
    assert isinstance(program, Program), program
    prepared = prepare(program)
    assert isinstance(prepared, Prepared), prepared
    assert prepared.faults == ()
    play(Friends(compile_ruleset(prepared.parts, 1, find_zone=ZoneInfo)), story)


def play(friends: Friends, case: Case) -> None:
    """Take the steps of a case, one upon the other, and compare what each says."""
    for n, step in enumerate(case.says["steps"], start=1):
        looked = friends.look(step)
        decision = friends.take(n, step)
        if "refused" in step:
            assert isinstance(decision, Refused), (step, decision)
            assert decision.refusal.code == step["refused"]
        elif decision is not None:
            assert isinstance(decision, Accepted), (step, decision)
        if "total" in step:
            assert isinstance(decision, Accepted)
            answer = decision.changes.answer
            assert answer["total"] == step["total"], (step, answer)
            assert looked is None or looked["total"] == step["total"], (step, looked)
        check(friends, step)


def check(friends: Friends, step: Mapping[str, Any]) -> None:
    """Compare what a step says of everybody."""
    for name, actual in (("states", friends.states), ("points", friends.points), ("codes", friends.codes)):
        if name in step:
            assert actual() == step[name], (step, actual())


def test_no_name_stands_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
