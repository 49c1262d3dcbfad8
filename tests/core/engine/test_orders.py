from datetime import timedelta

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Repeated
from loyalty_engine.core.engine.facts import Earlier
from loyalty_engine.core.engine.requests import ClaimOrder, PlaceOrder, Redeem
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import LotUse
from loyalty_engine.core.points.payments import PaidPoints
from tests.core.engine_cases import (
    CARD,
    EARLIER,
    LOT,
    MEMBER,
    NOW,
    accept,
    after,
    call,
    known_order,
    line,
    member,
    moves,
    order,
    place,
    receipt,
    ruleset,
    with_member,
)


def test_an_order_earns_what_its_lines_give() -> None:
    changes = accept(place(line(1990, category="coffee"), line(325, id="2", category="tea")), with_member(member(100)))

    assert moves(changes) == [("cashback", "issued", "available", 7), ("points", "issued", "available", 43)]
    assert after(changes).balances == {"points": Balance(available=143), "cashback": Balance(available=7)}
    assert changes.answer["effects"] == [
        {"type": "grant_points", "wallet": "points", "points": 23, "rule": "base"},
        {"type": "grant_points", "wallet": "points", "points": 20, "rule": "coffee"},
        {"type": "grant_points", "wallet": "cashback", "points": 7, "rule": "back"},
    ]
    assert [(reason.rule, reason.applied) for reason in changes.reasons] == [
        ("base", True),
        ("coffee", True),
        ("back", True),
    ]


def test_grants_of_one_order_and_wallet_share_a_lot() -> None:
    changes = accept(place(line(1990, category="coffee")), with_member(member()))

    assert changes.entries is not None
    (lot,) = changes.entries.lots
    assert (lot.amount, lot.wallet, lot.earned_at, lot.available_at) == (
        39,
        "points",
        NOW - timedelta(hours=1),
        NOW - timedelta(hours=1),
    )
    assert (lot.funder, lot.cost_micros, lot.expires_at) == ("program", 1_000_000, None)


def test_points_of_a_till_with_a_fast_clock_are_earned_now() -> None:
    changes = accept(place(placed_at=NOW + timedelta(minutes=5)), with_member(member()))

    assert changes.entries is not None
    assert changes.entries.lots[0].available_at == NOW
    assert changes.operation.effective_at == NOW + timedelta(minutes=5)


def test_an_order_counts_for_its_member() -> None:
    early, late = NOW - timedelta(days=3), NOW - timedelta(days=1)
    state = member(100, orders=2, spend=500, first_order_at=late, last_order_at=late)

    changes = accept(place(line(1000), pay=100, placed_at=early, shipping=300), with_member(state))

    counted = after(changes)
    assert (counted.orders, counted.spend) == (3, 1400)
    assert (counted.first_order_at, counted.last_order_at) == (early, late)
    assert (counted.version, counted.seq, counted.booked_at) == (5, 11, NOW)


def test_points_pay_first_and_what_is_left_earns() -> None:
    changes = accept(place(line(1000), shipping=200, pay=100), with_member(member(100)))

    assert moves(changes) == [("points", "available", "redeemed", 100), ("points", "issued", "available", 9)]
    assert changes.answer["paid_with_points"] == {"wallet": "points", "points": 100, "amount": 100}
    assert (changes.answer["total"], changes.answer["due"]) == (1200, 1100)
    assert changes.entries is not None
    assert changes.entries.uses == (LotUse(LOT, 100),)
    assert changes.order is not None
    assert changes.order.payment == PaidPoints("points", 100, 100)


@pytest.mark.parametrize(
    ("points", "total", "paid"), [(1000, 300, 150), (47, 1000, 45), (9, 1000, None), (0, 1000, None), (100, 19, None)]
)
def test_as_many_points_as_possible(points: int, total: int, paid: int | None) -> None:
    changes = accept(place(line(total), pay=None), with_member(member(points)))

    shown = changes.answer["paid_with_points"]
    assert (None if shown is None else shown["points"]) == paid


def test_the_answer_shows_the_most_that_could_have_been_paid() -> None:
    state = member(
        77,
        balances={"points": Balance(available=77), "cashback": Balance(available=30), "stamps": Balance(available=5)},
    )

    changes = accept(place(line(1000)), with_member(state))

    assert changes.answer["payable"] == [
        {"wallet": "cashback", "points": 30, "amount": 30},
        {"wallet": "points", "points": 75, "amount": 75},
    ]


def test_earnings_pay_a_debt_first() -> None:
    changes = accept(place(line(10_000)), with_member(member(0, debt=60)))

    assert moves(changes) == [("points", "issued", "available", 100), ("points", "available", "debt", 60)]
    assert after(changes).balances == {"points": Balance(available=40)}


def test_an_order_without_anything_to_earn_is_accepted() -> None:
    changes = accept(place(line(0, quantity=0)), with_member(member(5)))

    assert moves(changes) == []
    assert (after(changes).version, after(changes).orders) == (5, 1)


def test_a_guests_order_keeps_its_reasons_and_credits_nobody() -> None:
    changes = accept(place(line(1000), by=None), with_member(None))

    assert (changes.member, changes.entries, changes.operation.member_id) == (None, None, None)
    assert (changes.answer["status"], changes.answer["effects"], changes.answer["payable"]) == ("guest", [], [])
    assert changes.reasons[0].applied


def test_an_unknown_card_is_enrolled_by_its_order() -> None:
    request = place(line(1000), by=CARD)

    changes = accept(request, with_member(None))

    assert changes.member is not None
    assert (changes.member.expected_version, after(changes).version) == (0, 1)
    assert after(changes).id == nth(request.call.operation_id, 1 << 20)
    assert changes.identities_added == (CARD,)
    assert after(changes).balances == {"points": Balance(available=10)}


def test_an_unknown_card_is_parked_where_that_is_the_policy() -> None:
    changes = accept(place(line(1000), by=CARD), with_member(None), rules=ruleset("park"))

    assert changes.order is not None
    assert (changes.order.parked_for, changes.order.member_id, changes.member) == (CARD, None, None)
    assert (changes.answer["status"], changes.answer["effects"]) == ("parked", [])


@pytest.mark.parametrize("parked_for", [None, CARD])
def test_a_claim_credits_as_if_the_member_had_been_known(parked_for: object) -> None:
    claimed = known_order(order=order(line(1990, category="coffee")), parked_for=parked_for, parked_owner=MEMBER)

    changes = accept(ClaimOrder(call(), EARLIER, MEMBER), with_member(member(1, orders=1), order=claimed))

    assert moves(changes) == [("points", "issued", "available", 39)]
    assert (changes.claimed_order_id, changes.order) == (EARLIER, None)
    assert changes.operation.effective_at == NOW - timedelta(hours=1)
    assert after(changes).orders == 2


def test_the_same_receipt_under_another_key_repeats_its_answer() -> None:
    earlier = Earlier(b"h", '{"first": true}', operation_id=EARLIER)

    decision = decide(ruleset(), with_member(member(), order=known_order(earlier=earlier)), place(), NOW)

    assert decision == Repeated(earlier, is_same_key=False)


@pytest.mark.parametrize("code", [None, "insufficient_points"])
def test_a_known_key_repeats_its_answer_whatever_changed_since(code: str | None) -> None:
    earlier = Earlier(b"h", "{}", refusal_code=code)
    facts = with_member(member(100, status="blocked"), earlier=earlier, order=known_order())

    assert decide(ruleset(), facts, place(), NOW) == Repeated(earlier, is_same_key=True)


def test_a_members_book_never_runs_backwards() -> None:
    late = NOW + timedelta(seconds=3)

    changes = accept(Redeem(call(), MEMBER, "points", 10), with_member(member(100, booked_at=late)))

    assert (changes.operation.booked_at, after(changes).booked_at) == (late, late)


def test_a_till_may_report_its_own_receipt() -> None:
    own = PlaceOrder(call(location="store-1", till="1"), None, order(reference=receipt(), location="store-1"))

    changes = accept(own, with_member(None))

    assert changes.order is not None
    assert changes.order.natural_key == "receipt|store-1|1|2026-06-01|sale|0001"


def test_a_shops_order_is_told_apart_by_the_location_of_its_key() -> None:
    rows = [
        accept(PlaceOrder(call(location=place), None, order(location=place)), with_member(None)).order
        for place in (None, "north", "south")
    ]
    assert [row.natural_key for row in rows if row] == ["order||W-1", "order|north|W-1", "order|south|W-1"]
