"""What a look says, a reservation promises and its confirmation does, to the cent and to the point."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Refused
from loyalty_engine.core.engine.facts import Facts, KnownHold, KnownReservation, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.looks import look
from loyalty_engine.core.engine.requests import (
    ConfirmReservation,
    EvaluateOrder,
    PlaceOrder,
    ReleaseReservation,
    ReserveOrder,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.order import Order, ShopOrder
from tests.core.earning.drawn import ORDERS, POLICIES, RULES, compile_rules, used
from tests.core.engine.test_looks import BALANCES, PAYMENTS, PROMOTIONS, known
from tests.core.engine_cases import MEMBER, NOW, accept, after, call, with_member

Json = dict[str, Any]

TTL: Final = timedelta(minutes=15)
FIXED: Final = (
    "currency",
    "list_total",
    "total",
    "lines",
    "discounts",
    "gifts",
    "paid_with_points",
    "due",
    "effects",
    "payable",
    "codes",
    "codes_issued",
)
"""What no time and no change of rules alters."""


def fixed(answer: Json) -> Json:
    return {name: answer[name] for name in FIXED}


def as_kept(facts: Facts, changes: Changes, rules: Ruleset) -> Facts:
    """Return the facts as a gather would show them to whoever ends the reservation."""
    held = changes.reservation
    assert held is not None
    forgotten = replace(held, grants=tuple(grant._replace(activation=None) for grant in held.grants))
    holds = changes.entries.holds if changes.entries is not None else ()
    hold = KnownHold(holds[0], MEMBER) if holds else None
    reservation = KnownReservation(forgotten, held.member_id, hold=hold)
    return replace(apply(facts, changes), reservation=reservation, rulesets={rules.revision: rules})


@settings(max_examples=200, deadline=None)
@given(
    RULES,
    POLICIES,
    ORDERS,
    st.none() | st.builds(known, BALANCES, st.sampled_from([0, 3])),
    PAYMENTS,
    st.builds(used, st.integers(0, 20), st.integers(0, 2), st.just(8)),
    st.lists(PROMOTIONS, max_size=4),
    RULES,
)
def test_a_look_a_reservation_and_its_confirmation_agree(
    drawn: list[Json],
    policy: Json,
    bought: Order,
    by: MemberState | None,
    payment: Payment | None,
    counted: Counted,
    promotions: list[Json],
    later: list[Json],
) -> None:
    rules, _ = compile_rules(drawn, policy=policy, promotions=promotions)
    changed = replace(compile_rules(later)[0], revision=rules.revision + 1)
    facts = with_member(by and replace(by, counters=counted.member), counters=counted.shared)
    buyer, cart = None if by is None else by.id, replace(bought, reference=ShopOrder(""))
    seen = look(rules, facts, EvaluateOrder(call().actor, buyer, cart, payment), NOW)
    decision = decide(rules, facts, ReserveOrder(call(1), buyer, cart, TTL, payment), NOW)
    if isinstance(seen, Refused):
        assert decision == seen
        return
    assert isinstance(decision, Accepted)
    reserved = decision.changes
    assert fixed(dict(reserved.answer)) == fixed(seen.answer)

    kept = as_kept(facts, reserved, rules)
    confirm = ConfirmReservation(call(2), call(1).operation_id, ShopOrder("W-1"))
    ordered = accept(
        PlaceOrder(call(2), buyer, replace(bought, reference=ShopOrder("W-1")), payment), facts, rules=rules
    )
    for then in (rules, changed):
        confirmed = accept(confirm, kept, rules=then)
        assert fixed(dict(confirmed.answer)) == fixed(seen.answer)
        assert confirmed.answer["balances"] == seen.answer["balances"]
        assert confirmed.answer["status"] == seen.answer["status"]
        assert confirmed.order is not None
        assert ordered.order is not None
        assert replace(confirmed.order, reservation_id=None) == ordered.order
        moved = apply(kept, confirmed)
        plain = apply(facts, ordered)
        assert _used(moved.counters) == _used(plain.counters)
        if by is not None:
            one, other = after(confirmed), after(ordered)
            assert (one.orders, one.spend, _used(one.counters)) == (other.orders, other.spend, _used(other.counters))
            assert [lot.remaining for lot in one.lots] == [lot.remaining for lot in other.lots]
            assert [lot.available_at for lot in one.lots] == [lot.available_at for lot in other.lots]


@settings(max_examples=100, deadline=None)
@given(
    RULES,
    ORDERS,
    st.none() | st.builds(known, BALANCES, st.sampled_from([0, 3])),
    PAYMENTS,
    st.builds(used, st.integers(0, 20), st.integers(0, 2), st.just(8)),
    st.lists(PROMOTIONS, max_size=4),
)
def test_a_released_reservation_leaves_nothing_behind(
    drawn: list[Json],
    bought: Order,
    by: MemberState | None,
    payment: Payment | None,
    counted: Counted,
    promotions: list[Json],
) -> None:
    rules, _ = compile_rules(drawn, promotions=promotions)
    facts = with_member(by and replace(by, counters=counted.member), counters=counted.shared)
    decision = decide(rules, facts, ReserveOrder(call(1), None if by is None else by.id, bought, TTL, payment), NOW)
    if isinstance(decision, Refused):
        return
    assert isinstance(decision, Accepted)
    kept = as_kept(facts, decision.changes, rules)
    released = accept(ReleaseReservation(call(2), call(1).operation_id), kept, rules=rules)
    left = apply(kept, released)

    assert _used(left.counters) == _used(counted.shared)
    if by is not None:
        assert left.member is not None
        assert _used(left.member.counters) == _used(counted.member)
        assert left.member.balances == by.balances
        assert {(lot.id, lot.remaining) for lot in left.member.lots} == {(lot.id, lot.remaining) for lot in by.lots}


def _used(counters: Any) -> Json:  # noqa: ANN401 - a mapping of numbers
    return {name: amount for name, amount in counters.items() if amount}
