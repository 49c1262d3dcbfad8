"""Confirmations: what was reserved becomes an order, for exactly what was decided then."""

from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_engine.core.earning.evaluation import Grant
from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.accounts import close_book, guard, open_book, touch
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import (
    Accepted,
    Changes,
    Decision,
    Operation,
    OrderRow,
    Refused,
    Repeated,
    ReservationEnd,
    Take,
)
from loyalty_engine.core.engine.exchanges import take_back_waiting
from loyalty_engine.core.engine.facts import Facts, KnownReservation, MemberState
from loyalty_engine.core.engine.issuing import issue_with_order, with_codes
from loyalty_engine.core.engine.orders import check_number
from loyalty_engine.core.engine.requests import ConfirmReservation
from loyalty_engine.core.engine.reservation_answers import show_confirmation
from loyalty_engine.core.engine.reservations import holder, require_open, without_leases
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.engine.ruleset import Ruleset, as_of_then
from loyalty_engine.core.engine.settlement import count_order, credit, use_limits
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, refuse
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.holding import release
from loyalty_engine.core.rules.order import Order, Receipt


@dataclass(frozen=True, slots=True)
class _Earned:
    """What a confirmed order earns: what was promised, but nothing in wallets that are gone."""

    grants: tuple[Grant, ...] = ()
    memory: tuple[RuleMemory, ...] = ()


def decide_confirmation(ruleset: Ruleset, facts: Facts, request: ConfirmReservation, now: datetime) -> Decision:
    """Make final what was decided: its price, what points pay of it, and what it earns. A blocked member's, too.

    Returns that had waited for an order of this number follow.
    """
    actor = request.call.actor
    check_number(request.reference, actor.location, actor)
    if facts.order is not None:
        return _repeat(facts, request)
    known = require_open(facts, request.reservation_id, actor, now)
    order = _number(known.reservation.order, request)
    accepted = Accepted(_confirm(ruleset, facts, request, known=known, order=order, now=now))
    return take_back_waiting(ruleset, facts, accepted, request.call, now=now)


def _repeat(facts: Facts, request: ConfirmReservation) -> Decision:
    """The same confirmation under a new key repeats its answer; another order of that number is in its way."""
    assert facts.order is not None
    if facts.order.earlier.request_hash == request.call.request_hash:
        return Repeated(facts.order.earlier, is_same_key=False)
    pointer = "/receipt" if isinstance(request.reference, Receipt) else "/order_id"
    return Refused(Refusal(RefusalCode.ORDER_EXISTS, pointer, {"order_id": show_id("ord", facts.order.id)}))


def _number(order: Order, request: ConfirmReservation) -> Order:
    """Return the reserved order with its number, which must be one of the place for which it was reserved."""
    reference = request.reference
    if isinstance(reference, Receipt) and order.location not in {None, reference.location}:
        refuse(RefusalCode.TILL_MISMATCH, "/receipt/location", location=order.location)
    return replace(order, reference=reference)


def _confirm(
    ruleset: Ruleset, facts: Facts, request: ConfirmReservation, *, known: KnownReservation, order: Order, now: datetime
) -> Changes:
    held, member = known.reservation, holder(facts, known)
    operation = Operation(
        id=request.call.operation_id,
        kind="order",
        call=request.call,
        member_id=known.member_id,
        order_id=request.call.operation_id,
        effective_at=order.placed_at,
        booked_at=now,
        revision=held.revision,
    )
    if held.revision != ruleset.revision:
        ruleset = as_of_then(ruleset, facts.rulesets[held.revision])
    earned = _Earned() if member is None else _find_earned(ruleset, held)
    changes = Changes(
        operation=operation,
        answer=show_confirmation(operation, held, earned.grants, after=None),
        facts=show_facts(member),
        order=OrderRow(
            id=operation.id,
            natural_key=request.natural_key,
            order=order,
            member_id=known.member_id,
            parked_for=held.parked_for,
            payment=held.payment,
            earned=earned.memory,
            promoted=held.promoted,
            codes=held.codes,
            reservation_id=held.id,
        ),
        takes=_final_takes(held),
        reservation_end=ReservationEnd(held.id, "confirmed"),
    )
    if member is None:
        return changes
    changes = _settle(ruleset, changes, known, member=member, order=order, grants=earned.grants)
    given = (memory.promotion for memory in held.promoted)
    return with_codes(changes, issue_with_order(ruleset, facts, given, member=member, now=now))


def _settle(
    ruleset: Ruleset,
    changes: Changes,
    known: KnownReservation,
    *,
    member: MemberState,
    order: Order,
    grants: tuple[Grant, ...],
) -> Changes:
    """Return the changes with what they do to the member: points that were set aside are spent before others come."""
    held, operation = known.reservation, changes.operation
    book = open_book(member, operation.id, operation.booked_at)
    happened_at = min(order.placed_at, operation.booked_at)
    _pay(ruleset, book, known, happened_at)
    credit(ruleset, book, grants, happened_at)
    free = replace(member, counters=without_leases(member, held))
    changed = {
        "counters": free.counters,
        **count_order(member, order, held.payment.amount if held.payment else 0),
        **use_limits(ruleset, free, held.uses, operation.booked_at),
    }
    entries, after = close_book(member, book, changed)
    return replace(
        changes,
        answer=show_confirmation(operation, held, grants, after=after),
        member=guard(member, after),
        entries=entries,
    )


def _pay(ruleset: Ruleset, book: Book, known: KnownReservation, happened_at: datetime) -> None:
    payment = known.reservation.payment
    if payment is None:
        return
    assert known.hold is not None, "gather reads what a reservation has set aside"
    release(book, known.hold.hold, captured=payment.points, at=book.now)
    touch(ruleset, book, (payment.wallet,), happened_at)


def _find_earned(ruleset: Ruleset, held: Reservation) -> _Earned:
    """Return what was promised, with when it can be spent; what has no wallet any more is not given, nor remembered."""
    names = {given.rule for given in held.earned}
    rules = {rule.key: rule for rule in ruleset.order_rules.rules if rule.key in names}
    gone = {grant.rule for grant in held.grants if grant.wallet not in ruleset.wallets}
    gone |= {key for key, rule in rules.items() if rule.wallet not in ruleset.wallets}
    grants = [
        grant._replace(activation=rules[grant.rule].activation if grant.rule in rules else None)
        for grant in held.grants
        if grant.rule not in gone
    ]
    return _Earned(tuple(grants), tuple(given for given in held.earned if given.rule not in gone))


def _final_takes(held: Reservation) -> tuple[Take, ...]:
    """Return the takes that turn what is leased of shared limits into uses."""
    shared = [use for use in held.uses if use.is_shared]
    used = [Take(use.counter, use.amount, use.cap) for use in shared]
    return (*used, *[Take(use.counter, -use.amount, use.cap, held.until) for use in shared])
