"""Changing a lot: its points last longer or shorter, or can be spent though they still wait."""

from dataclasses import replace
from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, open_book, touch
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.point_answers import show_lot_change
from loyalty_engine.core.engine.requests import ChangeLot
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.activating import activate


def decide_lot_change(ruleset: Ruleset, facts: Facts, request: ChangeLot, now: datetime) -> Decision:
    """Change when points of one lot expire, or let them be spent now. Points that are gone cannot be changed."""
    member = facts.member
    lot = next((lot for lot in member.lots if lot.id == request.lot_id), None) if member is not None else None
    shown = show_id("lot", request.lot_id)
    if member is None or lot is None:
        refuse(RefusalCode.LOT_NOT_FOUND, "", lot_id=shown)
    if not lot.remaining:
        refuse(RefusalCode.LOT_EMPTY, "", lot_id=shown)
    if request.activates and not lot.is_pending(now):
        refuse(RefusalCode.LOT_NOT_PENDING, "/activate", lot_id=shown)
    expires_at = request.expires_at
    if expires_at is None and not lot.is_pending(now):
        expires_at = member.balances[lot.wallet].expires_at  # without an expiry of its own it goes with its wallet's
    if request.changes_expiry and expires_at is not None and expires_at <= now:
        times = {"expires_at": show_instant(expires_at), "now": show_instant(now)}
        refuse(RefusalCode.EXPIRY_IN_PAST, "/expires_at", **times)
    book = open_book(member, request.call.operation_id, now)
    if request.changes_expiry:
        book.put_lot(replace(lot, expires_at=request.expires_at))
    if request.activates:
        activate(book, (lot.id,), lot.wallet, lot.remaining, since=book.now)
        touch(ruleset, book, (lot.wallet,), book.now)
    changed = book.lot(lot.id)
    entries, after = close_book(member, book)
    operation = Operation.asked("lot_change", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_lot_change(operation, lot, changed, reason=request.reason, member=after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )
