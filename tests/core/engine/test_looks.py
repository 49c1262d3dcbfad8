"""A look says what the order then does: the same refusals, effects, balances and reasons."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Refused
from loyalty_engine.core.engine.facts import Earlier, Facts, MemberState
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import EvaluateOrder, MemberRef, PlaceOrder, Profile
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.order import Order
from tests.core.earning.drawn import ORDERS, POLICIES, RULES, WALLETS, compile_rules, used
from tests.core.engine_cases import (
    CARD,
    LOT,
    MEMBER,
    NOW,
    OTHER,
    accept,
    call,
    known_order,
    line,
    lot,
    member,
    place,
    receipt,
    refuse,
    ruleset,
    with_member,
)
from tests.core.promotions.drawn import ENTRIES

Json = dict[str, Any]

ONLY_RECORDED: Final = ("id", "operation_id", "booked_at")
"""What the answer to an order says of its operation."""


def glance(request: PlaceOrder, facts: Facts, *, rules: Ruleset | None = None) -> Look | Refused:
    """Look what an order would do."""
    cart = EvaluateOrder(request.call.actor, request.member, request.order, request.payment)
    return look(rules or ruleset(), facts, cart, NOW)


def seen(request: PlaceOrder, facts: Facts, *, rules: Ruleset | None = None) -> Look:
    found = glance(request, facts, rules=rules)
    assert isinstance(found, Look), found
    return found


def of_order(found: Look) -> Json:
    """Return what a look says of the order: all but what another one would get."""
    return {name: value for name, value in found.answer.items() if name != "nudges"}


def promised(changes: Changes) -> Json:
    """Return what a look must say of an order that does this."""
    answer = {name: value for name, value in changes.answer.items() if name not in ONLY_RECORDED}
    if changes.identities_added:
        answer["member_id"] = None  # the order itself would enrol it
    return {
        **answer,
        "reasons": [reason.as_json() for reason in changes.reasons],
        "promotions": [reason.as_json() for reason in changes.promotion_reasons],
    }


BALANCES: Final = st.dictionaries(st.sampled_from(WALLETS), st.integers(-50, 400), min_size=1)
"""Points by wallet; negative ones are owed."""

PAYMENTS: Final = st.none() | st.builds(
    Payment, st.sampled_from(WALLETS), st.none() | st.integers(1, 30).map(lambda n: 3 * n)
)


PROMOTIONS: Final = st.one_of(
    ENTRIES,
    st.builds(
        lambda wallet, points, limit: {
            "effect": {"kind": "points", "wallet": wallet, "points": points},
            "limits": [{"per": limit, "times": 1}],
        },
        st.sampled_from(WALLETS),
        st.integers(1, 9),
        st.sampled_from(["member", "program"]),
    ),
)


def known(points: Mapping[str, int], orders: int) -> MemberState:
    lots = [(key, amount) for key, amount in points.items() if amount > 0]
    state = member(
        orders=orders,
        balances={key: Balance(max(amount, 0), debt=max(-amount, 0)) for key, amount in points.items()},
        profile=Profile(attributes={"vegan": True}),
    )
    own = [replace(lot(amount, lot_id), wallet=key) for lot_id, (key, amount) in zip((LOT, OTHER), lots, strict=False)]
    return replace(state, lots=tuple(own))


@settings(max_examples=300, deadline=None)
@given(
    RULES,
    POLICIES,
    ORDERS,
    st.builds(known, BALANCES, st.sampled_from([0, 3])),
    PAYMENTS,
    st.builds(used, st.integers(0, 20), st.integers(0, 2), st.just(8)),
    st.lists(PROMOTIONS, max_size=4),
)
def test_a_look_says_what_the_order_then_does(
    drawn: list[Json],
    policy: Json,
    bought: Order,
    by: MemberState,
    payment: Payment | None,
    counted: Counted,
    promotions: list[Json],
) -> None:
    rules, _ = compile_rules(drawn, policy=policy, promotions=promotions)
    facts = with_member(replace(by, counters=counted.member), counters=counted.shared)
    request = PlaceOrder(call(), MEMBER, bought, payment)
    found = glance(request, facts, rules=rules)

    match decide(rules, facts, request, NOW):
        case Accepted(changes):
            assert isinstance(found, Look)
            assert list(of_order(found).items()) == list(promised(changes).items())
            assert found.seen == changes.facts.get("seen", {})
            assert found.seen_by_promotions == changes.facts.get("seen_by_promotions", {})
        case refused:
            assert found == refused


@settings(max_examples=60, deadline=None)
@given(RULES, ORDERS, st.sampled_from([CARD, None]), st.sampled_from(["enrol", "park", "refuse"]))
def test_a_look_says_what_the_order_of_a_stranger_does(
    drawn: list[Json], bought: Order, by: Identity | None, unknown_card: str
) -> None:
    rules, _ = compile_rules(drawn, unknown_card=unknown_card)
    request = PlaceOrder(call(), by, bought)
    found = glance(request, Facts(), rules=rules)

    match decide(rules, Facts(), request, NOW):
        case Accepted(changes):
            assert isinstance(found, Look)
            assert list(of_order(found).items()) == list(promised(changes).items())
        case refused:
            assert found == refused


def test_a_look_shows_a_debt_paid_out_of_what_is_earned() -> None:
    found = seen(place(line(10_000)), with_member(member(0, debt=60)))

    assert found.answer["balances"] == [{"wallet": "points", "available": 40, "pending": 0, "held": 0, "debt": 0}]
    assert [effect["points"] for effect in found.answer["effects"]] == [100]


def test_a_look_shows_points_spent_before_others_are_earned() -> None:
    found = seen(place(line(1000), shipping=200, pay=100), with_member(member(100)))

    assert found.answer["paid_with_points"] == {"wallet": "points", "points": 100, "amount": 100}
    assert (found.answer["total"], found.answer["due"]) == (1200, 1100)
    assert found.answer["balances"] == [{"wallet": "points", "available": 9, "pending": 0, "held": 0, "debt": 0}]
    assert found.answer["payable"] == [{"wallet": "points", "points": 100, "amount": 100}]


def test_who_would_be_enrolled_has_no_id_yet() -> None:
    found = seen(place(line(1000), by=CARD), with_member(None))

    assert (found.answer["member_id"], found.answer["status"]) == (None, "credited")
    assert [effect["points"] for effect in found.answer["effects"]] == [10]
    assert found.answer["balances"] == [{"wallet": "points", "available": 10, "pending": 0, "held": 0, "debt": 0}]


@pytest.mark.parametrize(("by", "status"), [(CARD, "parked"), (None, "guest")])
def test_nobody_gets_anything_and_is_told_why_it_would_have_been_earned(by: MemberRef | None, status: str) -> None:
    found = seen(place(line(1000), by=by), with_member(None), rules=ruleset("park"))

    assert (found.answer["member_id"], found.answer["status"]) == (None, status)
    assert (found.answer["effects"], found.answer["balances"], found.answer["payable"]) == ([], [], [])
    assert found.answer["reasons"][0] == {
        "rule": "base",
        "applied": True,
        "code": "applied",
        "amount": 10,
        "wallet": "points",
    }


def test_what_key_and_number_did_before_plays_no_part() -> None:
    earlier = Earlier(b"other", '{"first": true}', operation_id=OTHER)
    request, known = place(line(1000)), with_member(member(5), earlier=earlier, order=known_order())

    assert of_order(seen(request, known)) == promised(accept(request, with_member(member(5))))


def test_a_look_is_taken_when_its_order_could_be_booked() -> None:
    """A member's book never runs backwards, so an order may be as late as what is in it."""
    request = place(line(1000), placed_at=NOW + timedelta(minutes=50))

    assert glance(request, with_member(member())) == Refused(refuse(request, with_member(member())))
    assert seen(request, with_member(member(booked_at=NOW + timedelta(hours=1)))).answer["status"] == "credited"


@pytest.mark.parametrize(
    ("request_", "state"),
    [
        (place(currency="USD"), member()),
        (place(pay=100), member(50)),
        (place(), member(status="blocked")),
        (place(), member(balances={"points": Balance(available=2**53 - 2)})),
        (PlaceOrder(call(location="store-2"), MEMBER, place(reference=receipt()).order), member()),
    ],
    ids=["foreign money", "too few points", "blocked", "too large", "other till"],
)
def test_a_look_is_refused_as_the_order_would_be(request_: PlaceOrder, state: MemberState) -> None:
    assert glance(request_, with_member(state)) == Refused(refuse(request_, with_member(state)))
