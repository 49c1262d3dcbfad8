"""Returns: goods come back, or a whole order is void. Money back, points taken, points restored, in one answer.

The arithmetic is cumulative: a return computes what the customer keeps from everything that came back so far, and books
the difference. So any split and any order of returns ends where one return of the same goods would have ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loyalty_engine.core.engine.accounts import close_book, guard, open_book
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import (
    Accepted,
    Changes,
    Decision,
    Operation,
    OrderChange,
    Repeated,
    Take,
    WaitingRow,
)
from loyalty_engine.core.engine.facts import Facts, KnownOrder, MemberState, OperationKind
from loyalty_engine.core.engine.keeping import Keeper, give_back_limits, spend_of
from loyalty_engine.core.engine.orders import CLOCK_SKEW
from loyalty_engine.core.engine.requests import Call, CancelOrder, OrderRef, ReturnGoods
from loyalty_engine.core.engine.restating import move_points
from loyalty_engine.core.engine.return_answers import Quote, show_quote, show_waiting
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import Period, show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.returns.goods import Payment, bring_back, everything, has_gone, keep, pay_back
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Order, OrderReference, Receipt, ShopOrder, natural_key, return_key


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an order: what it is called, when it happened, on whose request, and why."""

    kind: OperationKind
    call: Call
    happened_at: datetime
    now: datetime
    reason: str | None = None


def decide_return(ruleset: Ruleset, facts: Facts, request: ReturnGoods, now: datetime) -> Decision:
    """Accept goods of an order back, at any store; before the order has arrived, keep the return until it does."""
    if facts.same_number is not None:
        if facts.same_number.request_hash == request.call.request_hash:
            return Repeated(facts.same_number, is_same_key=False)
        refuse(RefusalCode.RETURN_EXISTS, _place_of_number(request.reference), return_id=_shown(facts))
    _check_place(request)
    require_some(request.goods)
    returned_at = request.returned_at or now
    if returned_at > now + CLOCK_SKEW:
        times = {"returned_at": show_instant(returned_at), "now": show_instant(now)}
        refuse(RefusalCode.RETURN_IN_FUTURE, "/returned_at", **times)
    bound = request.call.actor.location
    number = None if request.reference is None else return_key(request.reference, bound)
    step = Step("return", request.call, min(returned_at, now), now, request.reason)
    known = facts.returned.get(request.order)
    if known is None:
        changes = wait_for_order(ruleset, step, request.order, request.goods)
    else:
        changes = take_goods_back(ruleset, facts, known, goods=request.goods, step=step)
    return Accepted(replace(changes, natural_key=number))


def decide_order_cancel(ruleset: Ruleset, facts: Facts, request: CancelOrder, now: datetime) -> Decision:
    """Void an order: everything that is left of it comes back, and it keeps no points whatever the policy says."""
    known = facts.returned.get(request.order_id)
    shown = show_id("ord", request.order_id)
    if known is None or known.order is None:
        refuse(RefusalCode.ORDER_NOT_FOUND, "", order_id=shown)
    if known.state.is_gone:
        refuse(RefusalCode.ORDER_ALREADY_CANCELLED, "", order_id=shown)
    goods = everything(known.state.edited or known.order, known.state)
    step = Step("order_cancel", request.call, now, now, request.reason)
    return Accepted(take_goods_back(ruleset, facts, known, goods=goods, step=step))


def wait_for_order(ruleset: Ruleset, step: Step, order: OrderRef, goods: Goods) -> Changes:
    """Keep a return whose order is not known yet; one named by our own id must be."""
    if not isinstance(order, ShopOrder | Receipt):
        refuse(RefusalCode.ORDER_NOT_FOUND, "", order_id=show_id("ord", order))
    waits_until = Period(ruleset.returns.unmatched_days, "days").after(step.now, ruleset.zone)
    operation = _operation(ruleset, step)
    return Changes(
        operation=operation,
        answer=show_waiting(operation, goods, waits_until, step.reason),
        facts={},
        waiting=WaitingRow(natural_key(order, step.call.actor.location), goods, waits_until),
    )


def take_goods_back(ruleset: Ruleset, facts: Facts, known: KnownOrder, *, goods: Goods, step: Step) -> Changes:
    """Return the changes that take ``goods`` back, for the member that has the order, if any."""
    keeper = keeper_of(ruleset, facts, known)
    member = _owner(facts, known)
    before = known.state
    state = keeper.priced.price(bring_back(keeper.order, before, goods), ruleset.returns.discounts)
    kept = keep(keeper.order, state)
    payment = Payment(known.payment.points, known.payment.amount) if known.payment else None
    state = replace(pay_back(keeper.order, kept, payment, state), is_gone=has_gone(keeper.order, kept))
    operation = replace(_operation(ruleset, step), order_id=known.id, member_id=member.id if member else None)
    if member is None:
        quote = Quote(keeper, before, state)
        answer = show_quote(operation, quote, member=None, reason=step.reason)
        _, takes = give_back_limits(keeper, None, before, state)
        return Changes(operation, answer, {}, order_change=_order_change(keeper, state, kept), takes=takes)
    state = keeper.confirm(keeper.reduce(state, kept, is_void=step.kind == "order_cancel"), kept)
    assert member.sees_lots, "gather reads lots for whatever comes back"
    book = open_book(member, operation.id, step.now)
    state, taken = move_points(keeper, book, before, state)
    counted, takes = _count(keeper, member, state, kept)
    entries, after = close_book(member, book, counted)
    quote = Quote(keeper, before, state, taken)
    return Changes(
        operation=operation,
        answer=show_quote(operation, quote, member=after, reason=step.reason),
        facts=show_facts(member),
        member=guard(member, after),
        entries=entries,
        order_change=_order_change(keeper, state, kept),
        takes=takes,
    )


def keeper_of(ruleset: Ruleset, facts: Facts, known: KnownOrder) -> Keeper:
    """Return what judges a known order again, under the rules it earned under."""
    assert known.order is not None
    then = ruleset if known.revision == ruleset.revision else facts.rulesets[known.revision]
    return Keeper(ruleset, then, known, known.state.edited or known.order)


def require_some(goods: Goods) -> None:
    """Refuse to deal with nothing."""
    if not goods.lines and not goods.amount and not goods.shipping:
        refuse(RefusalCode.RETURN_EMPTY, "")


def _owner(facts: Facts, known: KnownOrder) -> MemberState | None:
    """Return the member that has the order; refuse to book its return for another one."""
    owner = known.claimed_by or known.member_id
    if owner is None:
        return None
    if facts.member is None or facts.member.id != owner:
        refuse(RefusalCode.RETURN_OF_FOREIGN_ORDER, "/order", order_id=show_id("ord", known.id))
    return facts.member


def _count(
    keeper: Keeper, member: MemberState, state: OrderState, kept: Order
) -> tuple[Mapping[str, Any], tuple[Take, ...]]:
    """Count the order for what is left of it, and give limits back what it takes less."""
    before = keeper.known.state
    counters, takes = give_back_limits(keeper, member, before, state)
    was = spend_of(keeper.known, before, keep(keeper.order, before))
    changed = {
        "orders": member.orders - (state.is_gone and not before.is_gone),
        "spend": member.spend + spend_of(keeper.known, state, kept) - was,
        "counters": counters,
    }
    return changed, takes


def _order_change(keeper: Keeper, state: OrderState, kept: Order) -> OrderChange:
    known = keeper.known
    return OrderChange(known.id, known.changes + 1, state, spend_of(known, state, kept), kept.lines)


def _operation(ruleset: Ruleset, step: Step) -> Operation:
    return Operation(
        id=step.call.operation_id,
        kind=step.kind,
        call=step.call,
        effective_at=step.happened_at,
        booked_at=step.now,
        revision=ruleset.revision,
    )


def _check_place(request: ReturnGoods) -> None:
    """A key bound to a location or till speaks for that one only; the order may be of any other."""
    reference, actor = request.reference, request.call.actor
    is_receipt = isinstance(reference, Receipt)
    location = reference.location if isinstance(reference, Receipt) else request.location
    if actor.location is not None and location != actor.location:
        refuse(RefusalCode.TILL_MISMATCH, "/receipt/location" if is_receipt else "/location", location=actor.location)
    if actor.till is not None and isinstance(reference, Receipt) and reference.till != actor.till:
        refuse(RefusalCode.TILL_MISMATCH, "/receipt/till", till=actor.till)


def _place_of_number(reference: OrderReference | None) -> str:
    return "/receipt" if isinstance(reference, Receipt) else "/return_id"


def _shown(facts: Facts) -> str | None:
    earlier = facts.same_number
    return show_id("ret", earlier.operation_id) if earlier and earlier.operation_id else None
