"""Holds: points set aside for a while, then spent in whole or in part, or given back. Each ends once."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import (
    close_book,
    guard,
    open_book,
    require_member,
    require_redeem_terms,
    touch,
)
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, KnownHold
from loyalty_engine.core.engine.point_answers import show_hold, show_hold_end
from loyalty_engine.core.engine.requests import EndHold, HoldPoints
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.holding import hold, release


def decide_hold(ruleset: Ruleset, facts: Facts, request: HoldPoints, now: datetime) -> Decision:
    """Set points aside; they cannot be spent otherwise until the hold ends."""
    terms = require_redeem_terms(ruleset, request.wallet)
    terms.check(request.points, "/points")
    member = require_member(facts)
    book = open_book(member, request.call.operation_id, now)
    available = book.balance(request.wallet).available
    if available < request.points:
        refuse(RefusalCode.INSUFFICIENT_POINTS, "/points", needed=request.points, available=available)
    held = hold(book, request.wallet, request.points, now + request.ttl)
    entries, after = close_book(member, book)
    operation = Operation.asked("hold", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_hold(operation, held, terms.value_of(held.points), after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )


def decide_hold_end(ruleset: Ruleset, facts: Facts, request: EndHold, now: datetime) -> Decision:
    """Spend a hold's points, or some of them; what is not spent goes back. A blocked member's hold can end, too.

    What a reservation has set aside ends with that only.
    """
    known = _require_open(facts, request, now)
    held, member = known.hold, facts.member
    assert member is not None
    captured = held.points if request.points is None else request.points
    if captured > held.points:
        refuse(RefusalCode.CAPTURE_EXCEEDS_HOLD, "/points", wanted=captured, held=held.points)
    terms = require_redeem_terms(ruleset, held.wallet, "") if captured else None
    if terms is not None:
        terms.check_step(captured, "/points")
    book = open_book(member, request.call.operation_id, now)
    release(book, held, captured=captured, at=now)
    if captured:
        touch(ruleset, book, (held.wallet,), now)
    entries, after = close_book(member, book)
    operation = Operation.asked(
        "capture" if captured else "void", request.call, now, ruleset.revision, member_id=member.id
    )
    amount = terms.value_of(captured) if terms is not None else 0
    return Accepted(
        Changes(
            operation=operation,
            answer=show_hold_end(operation, held, captured=captured, amount=amount, reason=request.reason, after=after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )


def _require_open(facts: Facts, request: EndHold, now: datetime) -> KnownHold:
    known, shown = facts.hold, show_id("red", request.hold_id)
    if known is None or facts.reservation is not None:
        refuse(RefusalCode.HOLD_NOT_FOUND, "", redemption_id=shown)
    if known.has_expired or (known.ended_by is None and known.hold.expires_at <= now):
        refuse(RefusalCode.HOLD_EXPIRED, "", redemption_id=shown, expired_at=show_instant(known.hold.expires_at))
    if known.ended_by is not None:
        refuse(
            RefusalCode.HOLD_ENDED,
            "",
            redemption_id=shown,
            ended_by=show_id("op", known.ended_by),
            captured=known.captured,
        )
    return known
