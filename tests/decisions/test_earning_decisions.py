"""Runs the examples of earning rules: what one order or activity earns, and why not more."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from loyalty_engine.core.earning.evaluation import Earned, EarningRules, evaluate_earning
from loyalty_engine.core.earning.index import Index
from tests.decisions.examples import (
    RULES_PAGE,
    SINGLE,
    Case,
    explained,
    read_cases,
    read_counted,
    read_page,
    read_rules,
    read_ruleset,
    read_view,
)

CASES: Final = [*read_cases(*SINGLE), *(case for case in read_page(RULES_PAGE) if "saves" not in case.says)]

RUN: Final = pytest.mark.parametrize("case", CASES, ids=str)


def evaluate(case: Case, *, backwards: bool = False) -> tuple[EarningRules, Earned]:
    """Return the case's rules and what it earns, also with its lines in reverse."""
    says = case.says
    if backwards:
        says = {**says, "order": {**says["order"], "lines": says["order"]["lines"][::-1]}}
    ruleset = read_ruleset(case)
    rules = read_rules(case, ruleset)
    return rules, evaluate_earning(rules, read_view(replace(case, says=says), ruleset), read_counted(case))


def shown(rules: EarningRules, earned: Earned) -> list[Any]:
    """Return the reason of every rule as people get it."""
    told = rules.explain_all([reason.as_json() for reason in earned.reasons], earned.seen)
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]  # a list of reasons


def test_there_are_enough_examples_and_no_name_twice() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@RUN
def test_it_earns_what_the_example_says(case: Case) -> None:
    _, earned = evaluate(case)
    assert {grant.rule: f"{grant.amount} {grant.wallet}" for grant in earned.grants} == case.get("earns")


@RUN
def test_every_rule_says_why_it_gives_nothing_or_less(case: Case) -> None:
    reasons = {reason["rule"]: reason for reason in shown(*evaluate(case))}
    expected = case.get("why_not", {})
    assert [rule for rule, reason in reasons.items() if not reason["applied"]] == list(expected)
    cut = case.get("cut", {})
    assert [rule for rule, reason in reasons.items() if reason["applied"] and "limit" in reason] == list(cut)
    for rule, speaks_of in {**expected, **cut}.items():
        assert explained(reasons[rule], speaks_of) == speaks_of


@pytest.mark.parametrize("case", [case for case in CASES if case.get("order") is not None], ids=str)
def test_the_order_of_lines_does_not_matter(case: Case) -> None:
    assert shown(*evaluate(case, backwards=True)) == shown(*evaluate(case))


@RUN
def test_looking_at_every_rule_gives_the_same(case: Case) -> None:
    rules, earned = evaluate(case)
    all_of_them = replace(rules, index=Index([(rule, None) for rule in rules.rules if rule.is_active]))
    looked_at = evaluate_earning(all_of_them, read_view(case, read_ruleset(case)), read_counted(case))
    assert (looked_at.grants, looked_at.uses) == (earned.grants, earned.uses)
