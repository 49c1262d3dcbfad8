"""Runs the examples of points.yaml: the specification of spending, restoring and correcting points."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption, Request
from loyalty_engine.core.points.lots import LotUse
from tests.core.engine_cases import (
    EARLIER,
    LOT,
    MEMBER,
    NOW,
    after,
    call,
    known_redemption,
    line,
    lot,
    member,
    moves,
    place,
    redeem,
    ruleset,
    with_member,
)

Json = Mapping[str, Any]

CASES: Final[list[Json]] = yaml.safe_load(Path(__file__).with_name("points.yaml").read_text(encoding="utf-8"))["cases"]


def read_request(case: Json) -> Request:
    if "redeem" in case:
        return redeem(case["redeem"])
    if "adjust" in case:
        return Adjust(call(), MEMBER, "points", case["adjust"], "error", if_short=case.get("if_short", "refuse"))
    if "take_back" in case:
        return CancelRedemption(call(), EARLIER, "changed_mind")
    pay = case["order"].get("pay", 0)
    return place(line(case["order"]["amount"]), pay=None if pay == "max" else pay)


def read_facts(case: Json) -> Facts:
    state = member(**case["member"])
    if "take_back" not in case:
        return with_member(state)
    left, spent = case["member"]["points"], case["take_back"]
    lots = (lot(left, amount=left + spent),)
    return with_member(replace(state, lots=lots), redemption=known_redemption(LotUse(LOT, spent)))


def test_no_name_stands_twice() -> None:
    assert len({case["case"] for case in CASES}) == len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_points_move_as_the_example_says(case: Json) -> None:
    decision = decide(ruleset(), read_facts(case), read_request(case), NOW)

    if "refused" in case:
        assert isinstance(decision, Refused)
        assert (decision.refusal.code, decision.refusal.details) == (case["refused"], case["because"])
        return
    assert isinstance(decision, Accepted)
    changes = decision.changes
    assert [f"{source} to {destination} {amount}" for _, source, destination, amount in moves(changes)] == case["moves"]
    balance = after(changes).balances["points"]
    assert {"available": balance.available, "debt": balance.debt} == case["then"]
