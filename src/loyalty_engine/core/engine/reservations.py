"""Reservations: an order is decided and all that it takes is held; then it is confirmed, or released, or time frees it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.earning.evaluation import Earned, Use
from loyalty_engine.core.earning.leases import lease_of
from loyalty_engine.core.earning.limits import drop_ended
from loyalty_engine.core.engine.accounts import close_book, guard, open_book
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import (
    Accepted,
    Changes,
    Decision,
    Operation,
    Refused,
    ReservationEnd,
    Take,
)
from loyalty_engine.core.engine.facts import Facts, KnownReservation, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.issuing import foresee
from loyalty_engine.core.engine.orders import check_order, find_untimely, rules_of_its_time
from loyalty_engine.core.engine.requests import Actor, Call, MemberRef, ReleaseReservation, ReserveOrder
from loyalty_engine.core.engine.reservation_answers import show_fixed, show_release, show_reservation
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.sales import Sale, admit
from loyalty_engine.core.engine.settlement import earn_on, use_limits
from loyalty_engine.core.kernel.ids import nth, show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.holding import hold, release
from loyalty_engine.core.promotions.open_codes import remember_codes
from loyalty_engine.core.rules.order import Order

_GRID: Final = timedelta(seconds=10)
"""At which moments reservations run out: those that do so together are kept together."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

_REPLACED: Final = -(4 << 20)
"""Which derived id the end of a replaced reservation takes: before the new one, as it comes first."""


def decide_reservation(ruleset: Ruleset, facts: Facts, request: ReserveOrder, now: datetime) -> Decision:
    """Decide an order as if it were placed, and hold what it takes. What an earlier reservation of it holds is free for it."""
    _check_location(request.order, request.call.actor)
    policy, ruleset = ruleset.orders, rules_of_its_time(ruleset, facts)
    check_order(ruleset, request.order)
    untimely = find_untimely(policy, request.order, now)
    if untimely is not None:
        return Refused(untimely.refusal)
    if request.replaces is None:
        return Accepted(_reserve(ruleset, facts, request, now))
    ended = end_replaced(ruleset, facts, request.replaces, buyer=request.member, call=request.call, now=now)
    return Accepted(_reserve(ruleset, apply(facts, ended), request, now), before=(ended,))


def end_replaced(
    ruleset: Ruleset, facts: Facts, replaces: UUID, *, buyer: MemberRef | None, call: Call, now: datetime
) -> Changes:
    """Return the changes that free what the reservation holds whose place another one takes: one of the same member, or one
    of a guest.
    """
    known = require_open(facts, replaces, call.actor, now, pointer="/replaces")
    member_id = None if buyer is None or facts.member is None else facts.member.id
    if known.member_id not in {None, member_id}:
        refuse(RefusalCode.RESERVATION_NOT_FOUND, "/replaces", reservation_id=show_id("res", replaces))
    call = replace(call, operation_id=nth(call.operation_id, _REPLACED), key=None)
    return let_go(ruleset, facts, known, end=ReservationEnd(replaces, "replaced"), call=call, now=now)


def decide_release(ruleset: Ruleset, facts: Facts, request: ReleaseReservation, now: datetime) -> Decision:
    """Let go of what is held. A blocked member's reservation can end, too."""
    known = require_open(facts, request.reservation_id, request.call.actor, now)
    end = ReservationEnd(request.reservation_id, "released")
    return Accepted(let_go(ruleset, facts, known, end=end, call=request.call, now=now, reason=request.reason))


def let_go(
    ruleset: Ruleset,
    facts: Facts,
    known: KnownReservation,
    *,
    end: ReservationEnd,
    call: Call,
    now: datetime,
    reason: str | None = None,
) -> Changes:
    """Return the changes that free everything an open reservation holds."""
    held = known.reservation
    operation = Operation.asked("release", call, now, ruleset.revision, member_id=known.member_id)
    takes = _leases(held.uses, held.until, times=-1)
    member = holder(facts, known)
    if member is None:
        answer = show_release(operation, end, reason=reason, after=None)
        return Changes(operation, answer, {}, takes=takes, reservation_end=end)
    book = open_book(member, operation.id, now)
    if known.hold is not None:
        release(book, known.hold.hold, captured=0, at=now)
    counters = drop_ended(without_leases(member, held), now.astimezone(ruleset.zone))
    entries, after = close_book(member, book, {"counters": counters})
    return Changes(
        operation=operation,
        answer=show_release(operation, end, reason=reason, after=after),
        facts=show_facts(member),
        member=guard(member, after),
        entries=entries,
        takes=takes,
        reservation_end=end,
    )


def require_open(
    facts: Facts, reservation_id: UUID, actor: Actor, now: datetime, *, pointer: str = ""
) -> KnownReservation:
    """Return the reservation in question; refuse when there is none, or none that holds anything at ``now``.

    A key that is bound to a location learns of no other's.
    """
    known, shown = facts.reservation, show_id("res", reservation_id)
    if known is None or actor.location not in {None, known.reservation.order.location}:
        refuse(RefusalCode.RESERVATION_NOT_FOUND, pointer, reservation_id=shown)
    if known.ended_by is not None:
        what = {"order_id": show_id("ord", known.ended_by)} if known.how == "confirmed" else {}
        ended_by = show_id("op", known.ended_by)
        refuse(
            RefusalCode.RESERVATION_ENDED, pointer, reservation_id=shown, how=known.how, operation_id=ended_by, **what
        )
    until = known.reservation.until
    if until <= now:
        refuse(RefusalCode.RESERVATION_EXPIRED, pointer, reservation_id=shown, until=show_instant(until))
    return known


def holder(facts: Facts, known: KnownReservation) -> MemberState | None:
    """Return the member for whom something is reserved; None for a guest."""
    if known.member_id is None:
        return None
    assert facts.member is not None
    assert facts.member.id == known.member_id, "gather reads the member of the reservation"
    return facts.member


def without_leases(member: MemberState, held: Reservation) -> dict[str, int]:
    """Return the member's counters without what a reservation leased of them."""
    counters = dict(member.counters)
    for use in held.uses:
        if not use.is_shared:
            counters.pop(lease_of(use.counter, held.until, held.id), None)
    return counters


def _reserve(ruleset: Ruleset, facts: Facts, request: ReserveOrder, now: datetime) -> Changes:
    sale = admit(ruleset, facts, request, now=now, operation_id=request.call.operation_id)
    member, priced = sale.buyer.member, sale.priced
    earned = earn_on(ruleset, priced, member=member, paid=sale.paid, shared=facts.counters, now=now)
    operation = Operation.asked(
        "reservation",
        request.call,
        now,
        ruleset.revision,
        effective_at=request.order.placed_at,
        member_id=member.id if member else None,
    )
    held = _reservation(operation, sale, earned, until=_run_out(now, request.ttl))
    given = (memory.promotion for memory in priced.memory)
    issued = foresee(ruleset, facts, given, member=member, now=now)
    held = replace(held, shown={**show_fixed(ruleset, sale, held.grants), "codes_issued": issued})
    changes = Changes(
        operation=operation,
        answer=show_reservation(operation, held, after=None),
        facts=show_facts(member, earned.seen, priced.seen),
        reasons=earned.reasons,
        promotion_reasons=priced.reasons,
        identities_added=sale.buyer.enrolled_as,
        takes=_leases(held.uses, held.until),
        reservation=held,
    )
    return changes if member is None else _hold_for(ruleset, changes, held, member)


def _hold_for(ruleset: Ruleset, changes: Changes, held: Reservation, member: MemberState) -> Changes:
    """Return the changes with what they set aside of the member's points, and of its own limits."""
    operation = changes.operation
    book = open_book(member, operation.id, operation.booked_at)
    if held.payment is not None:
        hold(book, held.payment.wallet, held.payment.points, held.until)
    own = [use for use in held.uses if not use.is_shared]
    leased = [use._replace(counter=lease_of(use.counter, held.until, held.id)) for use in own]
    entries, after = close_book(member, book, use_limits(ruleset, member, leased, operation.booked_at))
    return replace(
        changes,
        answer=show_reservation(operation, held, after=after),
        member=guard(member, after),
        entries=entries,
    )


def _reservation(operation: Operation, sale: Sale, earned: Earned, *, until: datetime) -> Reservation:
    member, priced = sale.buyer.member, sale.priced
    known: dict[str, Any] = {} if member is None else {"earned": earned.memory, "grants": earned.grants}
    return Reservation(
        id=operation.id,
        member_id=operation.member_id,
        until=until,
        revision=operation.revision,
        order=priced.order,
        parked_for=sale.buyer.parked_for,
        payment=sale.paid,
        promoted=priced.memory,
        codes=remember_codes(priced.used_codes),
        uses=tuple(use for use in priced.uses if use.is_shared) if member is None else (*earned.uses, *priced.uses),
        **known,
    )


def _leases(uses: tuple[Use, ...], until: datetime, *, times: int = 1) -> tuple[Take, ...]:
    """Return what is leased of the limits that all share; with ``times`` -1 what is given back of that."""
    return tuple(Take(use.counter, times * use.amount, use.cap, until) for use in uses if use.is_shared)


def _check_location(order: Order, actor: Actor) -> None:
    """A key bound to a location speaks for that one only."""
    if actor.location not in {None, order.location}:
        refuse(RefusalCode.TILL_MISMATCH, "/location", location=actor.location)


def _run_out(now: datetime, ttl: timedelta) -> datetime:
    """Return when a reservation runs out: after ``ttl``, or up to one step of the grid later."""
    until = now + ttl
    over = (until - _EPOCH) % _GRID
    return until + (_GRID - over) if over else until
