"""Runs the examples of earning.yaml: the specification of earning rules in words of the document."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from loyalty_engine.core.earning.evaluation import evaluate_earning
from loyalty_engine.core.earning.rules import compile_earning
from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.rules.order import MemberSnapshot, Receipt
from loyalty_engine.core.rules.reasons import Reason
from loyalty_engine.core.rules.view import OrderView
from tests.core.orders import line, order

Json = Mapping[str, Any]

EXAMPLES: Final[Json] = yaml.safe_load(Path(__file__).with_name("earning.yaml").read_text(encoding="utf-8"))
CASES: Final[list[Json]] = EXAMPLES["cases"]


def read_program(case: Json) -> Program:
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "Examples", "currency": "EUR", "time_zone": "UTC"},
            "attributes": EXAMPLES["attributes"],
            "wallets": EXAMPLES["wallets"],
            "earning_rules": case["rules"],
            "policies": case.get("policies", {}),
        }
    )
    assert isinstance(program, Program), program
    assert check_program(program, time_zones=frozenset({"UTC"}), currencies={"EUR": 2}) == []
    return program


def read_view(case: Json) -> OrderView:
    given = dict(case["order"])
    lines = [dict(item) for item in given.pop("lines")]
    paid = [item.pop("paid_by_points", 0) for item in lines]
    till = given.pop("till", None)
    if till is not None:
        given["reference"] = Receipt("store-1", till, date(2026, 5, 31), "1")
    who = case.get("member")
    snapshot = None if who is None else MemberSnapshot("active", **{"orders": 0, "spend": 0, **who})
    net = tuple(item["amount"] - points for item, points in zip(lines, paid, strict=True)) if any(paid) else None
    return OrderView(order(*(line(**item) for item in lines), **given), snapshot, net)


def test_there_are_enough_examples_and_no_name_twice() -> None:
    assert len(CASES) >= 25
    assert len({case["case"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_an_order_earns_what_the_example_says(case: Json) -> None:
    program = read_program(case)
    vocabulary = Vocabulary.of(program.attributes)
    policy = program.policies.earning
    rules = [compile_earning(rule, policy=policy, vocabulary=vocabulary) for rule in program.earning_rules]
    earned = evaluate_earning(rules, read_view(case))
    assert {grant.rule: f"{grant.amount} {grant.wallet}" for grant in earned.grants} == case["earns"]
    why_not = {reason.rule: reason for reason in earned.reasons if not reason.applied}
    expected = case.get("why_not", {})
    assert list(why_not) == list(expected)
    for key, reason in why_not.items():
        assert explained(reason, expected[key]) == expected[key]


def explained(reason: Reason, expected: str | Json) -> object:
    """Return of ``reason`` what the example speaks of: a code, or some fields of the miss."""
    if isinstance(expected, str):
        return reason.code
    assert reason.code == "condition_failed"
    miss = reason.as_json()["miss"]
    return {name: miss.get(name, "not there") for name in expected}
