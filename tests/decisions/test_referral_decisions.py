"""Runs the examples of referrals: every choice that a programme can make, and what becomes of both sides."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decision import Accepted, Refused
from tests.decisions.examples import Case, read_cases
from tests.decisions.friends import Friends

CASES: Final = read_cases("referrals", "referral_guards")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_friends_are_brought_as_written(case: Case) -> None:
    friends = Friends(case)
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
