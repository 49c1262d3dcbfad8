"""Orders that somebody has to look at: which those are, and what becomes of them when they are cleared."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_engine.core.engine.clearance import Clearance
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Refused, Repeated, Reviewed
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.looks import look
from loyalty_engine.core.engine.requests import Actor, EvaluateOrder, PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.engine_cases import MEMBER, NOW, call, known_order, member, order, place, receipt, ruleset_of

REVIEW = UUID("01900000-0000-7000-8000-0000000000ee")
FACTS = Facts(member=member())
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def rules(**orders: Any) -> Ruleset:  # noqa: ANN401 - fields of the policy
    return ruleset_of(policies={"orders": orders})


@pytest.mark.parametrize(
    ("policy", "at", "kind"),
    [
        ({}, NOW - 9_000 * DAY, Accepted),
        ({}, NOW + timedelta(minutes=5), Accepted),
        ({}, NOW + timedelta(minutes=5) + TICK, Refused),
        ({"ahead": "review"}, NOW + timedelta(minutes=5) + TICK, Reviewed),
        ({"ahead": "review", "ahead_minutes": 0}, NOW, Accepted),
        ({"ahead": "review", "ahead_minutes": 0}, NOW + TICK, Reviewed),
        ({"max_age_days": 2}, NOW - 2 * DAY, Accepted),
        ({"max_age_days": 2}, NOW - 2 * DAY - TICK, Reviewed),
        ({"max_age_days": 2, "late": "refuse"}, NOW - 2 * DAY - TICK, Refused),
    ],
)
def test_a_program_says_which_times_are_looked_at(policy: dict[str, Any], at: Any, kind: type) -> None:  # noqa: ANN401 - an instant
    decision = decide(rules(**policy), FACTS, place(placed_at=at), NOW)

    assert isinstance(decision, kind)


def test_what_is_looked_at_says_what_stands_against_it() -> None:
    decision = decide(rules(max_age_days=2), FACTS, place(placed_at=NOW - 3 * DAY), NOW)

    assert isinstance(decision, Reviewed)
    assert (decision.refusal.code, decision.refusal.pointer) == ("order_too_old", "/placed_at")
    assert decision.refusal.details["max_age_days"] == 2


def test_an_order_that_nobody_could_book_is_refused_at_once() -> None:
    decision = decide(rules(max_age_days=2), FACTS, place(placed_at=NOW - 3 * DAY, currency="USD"), NOW)

    assert isinstance(decision, Refused)
    assert decision.refusal.code == "currency_mismatch"


def test_a_look_at_an_order_that_would_be_looked_at_is_refused_plainly() -> None:
    request = EvaluateOrder(Actor(1), MEMBER, order(placed_at=NOW - 3 * DAY))

    found = look(rules(max_age_days=2), FACTS, request, NOW)

    assert isinstance(found, Refused)
    assert found.refusal.code == "order_too_old"


def test_a_cleared_order_is_booked_whatever_its_time() -> None:
    for at in (NOW - 3 * DAY, NOW + DAY):
        request = PlaceOrder(call(), MEMBER, order(placed_at=at), clearance=Clearance(REVIEW))
        assert isinstance(decide(rules(max_age_days=2, ahead="review"), FACTS, request, NOW), Accepted)


def reused(digest: bytes = b"h", **more: Any) -> PlaceOrder:  # noqa: ANN401 - fields of PlaceOrder
    return PlaceOrder(call(digest=digest), MEMBER, order(reference=receipt()), **more)


def test_a_receipts_number_that_was_used_is_looked_at_where_the_program_says_so() -> None:
    facts = Facts(member=member(), order=known_order(b"other"))

    told = [decide(rules(number_reuse=choice), facts, reused(), NOW) for choice in ("refuse", "review")]

    assert [type(one) for one in told] == [Refused, Reviewed]
    assert {one.refusal.code for one in told if not isinstance(one, Accepted | Repeated)} == {"order_exists"}


def test_the_same_receipt_is_repeated_and_a_shops_own_number_refused_all_the_same() -> None:
    facts = Facts(member=member(), order=known_order(b"h"))
    shop = Facts(member=member(), order=known_order(b"other"))

    assert isinstance(decide(rules(number_reuse="review"), facts, reused(), NOW), Repeated)
    assert isinstance(decide(rules(number_reuse="review"), shop, place(), NOW), Refused)


def test_a_cleared_receipt_stands_under_a_number_of_its_own() -> None:
    cleared = reused(clearance=Clearance(REVIEW, is_number_reused=True))

    decision = decide(rules(number_reuse="review"), FACTS, cleared, NOW)

    assert isinstance(decision, Accepted)
    assert decision.changes.order is not None
    assert decision.changes.order.natural_key == (
        "receipt|store-1|1|2026-06-01|sale|0001|rev_01j0000000e00800000000007e"
    )
    assert decision.changes.order.order.reference == receipt()
