"""Runs the examples of requests that are decided one upon the other."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decision import Accepted, Changes, Refused
from tests.decisions.examples import Case, explained, read_cases, read_ruleset
from tests.decisions.stories import Story, shown

Json = Mapping[str, Any]

CASES: Final = read_cases("in_turn", "promotions_in_turn")


def check(story: Story, step: Json, changes: Changes) -> None:
    effects = changes.answer["effects"]
    earns = {
        effect.get("rule", effect.get("promotion")): f"{effect['points']} {effect['wallet']}" for effect in effects
    }
    assert earns == step.get("earns", {})
    if "total" in step:
        assert changes.answer["total"] == step["total"]
    if "saves" in step:
        assert {one["promotion"]: one["amount"] for one in changes.answer["discounts"]} == step["saves"]
    if step.get("by") != "nobody":
        reasons = shown(story, changes)
        expected = step.get("why_not", {})
        assert [rule for rule, reason in reasons.items() if not reason["applied"]] == list(expected)
        assert {rule: explained(reasons[rule], said) for rule, said in expected.items()} == expected
    if "takes" in step:
        assert {take.counter: take.amount for take in changes.takes} == step["takes"]
    if "counts" in step:
        assert changes.member is not None
        assert changes.member.after.counters == step["counts"]


def test_no_name_stands_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 15


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_step_is_decided_upon_those_before_it(case: Case) -> None:
    story = Story(read_ruleset(case))
    for n, step in enumerate(case.says["steps"], start=1):
        before = dict(story.members)
        decision = story.decide(n, step)
        if "refused" in step:
            assert isinstance(decision, Refused), step
            assert decision.refusal.code == step["refused"]
            assert story.members == before
        else:
            assert isinstance(decision, Accepted), (step, decision)
            check(story, step, decision.changes)
