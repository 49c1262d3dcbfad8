"""Runs the examples of what becomes of points: every choice of every policy, and the calendar's corners."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decision import Accepted, Refused
from tests.decisions.examples import Case, read_cases, read_codes, read_ruleset
from tests.decisions.life import Life

FILES: Final = (
    "returns",
    "priced_returns",
    "lifetimes",
    "corrections",
    "code_lives",
    "tier_ladders",
    "tier_counts",
    "tier_reviews",
    "tier_returns",
    "tier_privileges",
    "tier_grants",
    "memberships",
    "membership_ends",
    "membership_privileges",
)
CASES: Final = read_cases(*FILES)


def covers(actual: object, expected: object) -> bool:
    """Tell whether everything that is expected is there."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(covers(actual.get(key), value) for key, value in expected.items())
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(covers(one, other) for one, other in zip(actual, expected, strict=True))
        )
    return actual == expected


def check(life: Life, step: Mapping[str, Any]) -> None:
    """Compare what the step says of its member, and of the other one."""
    if "balances" in step:
        assert life.balances(step.get("by", "anna")) == step["balances"], step
    if "bens" in step:
        assert life.balances("ben") == step["bens"], step
    if "counts" in step:
        assert life.counts(step.get("by", "anna")) == step["counts"], step
    if "shared" in step:
        assert life.shared() == step["shared"], step
    if "lots" in step:
        assert life.lots(step.get("by", "anna")) == step["lots"], step
    if "tiers" in step:
        assert life.tiers(step.get("by", "anna")) == step["tiers"], (step, life.tiers(step.get("by", "anna")))
    if "plans" in step:
        assert life.plans(step.get("by", "anna")) == step["plans"], (step, life.plans(step.get("by", "anna")))
    if "seen" in step:
        assert covers(life.seen(step.get("by", "anna")), step["seen"]), step


def check_answer(step: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Compare what the step says of its answer: ``earns`` and ``saves`` by rule, ``moves`` from and to which tier,
    ``gives_back`` how much money to give back."""
    assert covers(answer, step.get("answer", {})), (step, answer)
    if "earns" in step:
        assert {effect["rule"]: effect["points"] for effect in answer["effects"]} == step["earns"], step
    if "saves" in step:
        assert {one["promotion"]: one["amount"] for one in answer["discounts"]} == step["saves"], step
    if "gives_back" in step:
        assert answer["refund"]["amount"] == step["gives_back"], step
    if "moves" in step:
        assert [[move["from"], move["tier"]] for move in answer["tiers"]] == step["moves"], (step, answer["tiers"])


def check_look(looked: Mapping[str, Any] | None, placed: Mapping[str, Any]) -> None:
    """Compare where an order was said to lead with where it led."""
    if looked is not None and "tiers" in looked:
        assert looked["tiers"] == placed["tiers"]


def test_no_name_stands_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=str)
def test_points_live_as_written(case: Case) -> None:
    life = Life(read_ruleset(case), codes=read_codes(case)[1])
    for n, step in enumerate(case.says["steps"], start=1):
        looked = life.look(n, step)
        decision = life.take(n, step)
        if "refused" in step:
            assert isinstance(decision, Refused), (step, decision)
            assert decision.refusal.code == step["refused"]
            found = {code["code"]: code["reason"] for code in decision.refusal.details.get("codes", ())}
            assert step.get("became", found) == found
        elif decision is not None:
            assert isinstance(decision, Accepted), (step, decision)
            check_answer(step, decision.changes.answer)
            found = {code["code"]: code["reason"] for code in decision.changes.answer.get("codes", ())}
            assert step.get("became", found) == found
            check_look(looked, decision.changes.answer)
        check(life, step)
