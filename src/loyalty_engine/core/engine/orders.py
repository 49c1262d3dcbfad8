"""Orders: one call pays part with points and earns on the rest."""

from datetime import datetime, timedelta
from typing import Final

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.accounts import guard
from loyalty_engine.core.engine.answers import show_facts, show_order
from loyalty_engine.core.engine.attributes import check_order_attributes
from loyalty_engine.core.engine.decision import (
    Accepted,
    Changes,
    Decision,
    Operation,
    OrderRow,
    Refused,
    Repeated,
    Reviewed,
)
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.issuing import issue_with_order, rows_of, show_issued
from loyalty_engine.core.engine.requests import Actor, PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset, as_of_then
from loyalty_engine.core.engine.sales import Buyer, Sale, admit
from loyalty_engine.core.engine.settlement import settle
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, refuse
from loyalty_engine.core.program.policies import OrderPolicy
from loyalty_engine.core.promotions.open_codes import remember_codes
from loyalty_engine.core.rules.order import Order, OrderReference, Receipt

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours a clock may run before what it reports is refused; for orders the program says."""


def decide_order(ruleset: Ruleset, facts: Facts, request: PlaceOrder, now: datetime) -> Decision:
    """Accept a paid order: points spent on it leave first, then what was really paid earns, by the rules of its time."""
    check_place(request.order, request.call.actor)
    if facts.order is not None:
        return _repeat_order(ruleset, facts, request)
    policy, ruleset = ruleset.orders, rules_of_its_time(ruleset, facts)
    check_order(ruleset, request.order)
    untimely = find_untimely(policy, request.order, now, at_any_age=request.is_past)
    if untimely is not None and request.clearance is None:
        return untimely
    sale = admit(ruleset, facts, request, now=now, operation_id=request.call.operation_id)
    buyer, priced = sale.buyer, sale.priced
    operation = _operation(ruleset, request, buyer, now)
    settled = settle(ruleset, operation, priced, member=buyer.member, paid=sale.paid, shared=facts.counters)
    given = (memory.promotion for memory in priced.memory)
    issued = issue_with_order(ruleset, facts, given, member=buyer.member, now=now)
    row = _order_row(request, sale, settled.earned.memory)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_order(ruleset, operation, row, sale=sale, settled=settled, issued=show_issued(issued)),
            facts=show_facts(buyer.member, settled.earned.seen, priced.seen),
            reasons=settled.earned.reasons,
            promotion_reasons=priced.reasons,
            member=guard(buyer.member, settled.after) if buyer.member and settled.after else None,
            entries=settled.entries,
            order=row,
            identities_added=buyer.enrolled_as,
            takes=settled.takes,
            codes=rows_of(issued),
        )
    )


def rules_of_its_time(ruleset: Ruleset, facts: Facts) -> Ruleset:
    """Return the rules that decide about the order in question: today's, unless it was placed before they were in force."""
    return ruleset if facts.then is None else as_of_then(ruleset, facts.then)


def _repeat_order(ruleset: Ruleset, facts: Facts, request: PlaceOrder) -> Decision:
    """The same receipt under a new key repeats its answer; another content under its number is refused, or reviewed."""
    assert facts.order is not None
    if facts.order.earlier.request_hash == request.call.request_hash:
        return Repeated(facts.order.earlier, is_same_key=False)
    is_receipt = isinstance(request.order.reference, Receipt)
    details = {"order_id": show_id("ord", facts.order.id)}
    refusal = Refusal(RefusalCode.ORDER_EXISTS, "/receipt" if is_receipt else "/order_id", details)
    if is_receipt and request.clearance is None and ruleset.orders.number_reuse == "review":
        return Reviewed(refusal)
    return Refused(refusal)


def find_untimely(
    policy: OrderPolicy, order: Order, now: datetime, *, at_any_age: bool = False
) -> Refused | Reviewed | None:
    """Return what becomes of an order that is too old, unless it may be of any age, or from too far ahead; else None."""
    age = now - order.placed_at
    if age.days < 0 and -age > timedelta(minutes=policy.ahead_minutes):
        refusal = _untimely(RefusalCode.ORDER_IN_FUTURE, order, now)
        return Reviewed(refusal) if policy.ahead == "review" else Refused(refusal)
    if at_any_age:
        return None
    if policy.max_age_days is not None and age > timedelta(days=policy.max_age_days):
        refusal = _untimely(RefusalCode.ORDER_TOO_OLD, order, now, max_age_days=policy.max_age_days)
        return Reviewed(refusal) if policy.late == "review" else Refused(refusal)
    return None


def _untimely(code: RefusalCode, order: Order, now: datetime, **details: int) -> Refusal:
    times = {"placed_at": show_instant(order.placed_at), "now": show_instant(now)}
    return Refusal(code, "/placed_at", {**times, **details})


def check_order(ruleset: Ruleset, order: Order) -> None:
    """Refuse what no rule should ever see: foreign money, undeclared attributes."""
    if order.currency != ruleset.currency:
        refuse(RefusalCode.CURRENCY_MISMATCH, "/currency", currency=order.currency, expected=ruleset.currency)
    if order.total > MAX_AMOUNT:
        refuse(RefusalCode.ORDER_TOTAL_TOO_LARGE, "/lines", largest=MAX_AMOUNT)
    check_order_attributes(ruleset, order)


def check_place(order: Order, actor: Actor) -> None:
    """A key bound to a location or till speaks for that one only, and learns of no other's orders."""
    check_number(order.reference, order.location, actor)


def check_number(reference: OrderReference, location: str | None, actor: Actor) -> None:
    """Refuse the number of an order that another place gave; ``location`` is where a shop order is from."""
    till = None
    if isinstance(reference, Receipt):
        location, till = reference.location, reference.till
    if actor.location is not None and location != actor.location:
        pointer = "/receipt/location" if isinstance(reference, Receipt) else "/location"
        refuse(RefusalCode.TILL_MISMATCH, pointer, location=actor.location)
    if actor.till is not None and till != actor.till:
        refuse(RefusalCode.TILL_MISMATCH, "/receipt/till", till=actor.till)


def _operation(ruleset: Ruleset, request: PlaceOrder, buyer: Buyer, now: datetime) -> Operation:
    return Operation.asked(
        "order",
        request.call,
        now,
        ruleset.revision,
        member_id=buyer.member.id if buyer.member else None,
        order_id=request.call.operation_id,
        effective_at=request.order.placed_at,
    )


def _order_row(request: PlaceOrder, sale: Sale, memory: tuple[RuleMemory, ...]) -> OrderRow:
    """An order takes the id of the operation that placed it."""
    buyer = sale.buyer
    return OrderRow(
        id=request.call.operation_id,
        natural_key=request.natural_key,
        order=sale.priced.order,
        member_id=buyer.member.id if buyer.member else None,
        parked_for=buyer.parked_for,
        payment=sale.paid,
        earned=memory if buyer.member else (),
        promoted=sale.priced.memory,
        codes=remember_codes(sale.priced.used_codes),
    )
