"""Answers about points that are held, changed, moved between members, or booked back."""

from collections.abc import Sequence

from loyalty_engine.core.engine.answers import Json, head, show_balances
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import KnownOperation, MemberState
from loyalty_engine.core.engine.keeping import Taken
from loyalty_engine.core.engine.requests import MergeMembers, OpenLots, Transfer
from loyalty_engine.core.engine.return_answers import show_taken
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import Lot


def show_hold(operation: Operation, held: Hold, amount: int, after: MemberState) -> Json:
    """Show points that were set aside, and what they are worth in minor units. A hold takes the operation's id."""
    return {
        "id": show_id("red", held.id),
        **head(operation),
        "status": "held",
        "wallet": held.wallet,
        "points": held.points,
        "amount": amount,
        "expires_at": show_instant(held.expires_at),
        "balances": show_balances(after),
    }


def show_hold_end(
    operation: Operation, held: Hold, *, captured: int, amount: int, reason: str | None, after: MemberState
) -> Json:
    """Show how a hold ended: ``amount`` is what the captured points are worth."""
    return {
        "redemption_id": show_id("red", held.id),
        **head(operation),
        "status": "captured" if captured else "voided",
        "wallet": held.wallet,
        "points": held.points,
        "captured": captured,
        "released": held.points - captured,
        "amount": amount,
        "balances": show_balances(after),
        "reason": reason,
    }


def show_opening(operation: Operation, request: OpenLots, opened: Sequence[Lot], after: MemberState) -> Json:
    """Show points that a member brought along."""
    return {
        **head(operation),
        "reference": request.reference,
        "lots": [
            {
                "lot_id": show_id("lot", lot.id),
                "wallet": lot.wallet,
                "points": lot.amount,
                "earned_at": show_instant(lot.earned_at),
                **_show_times(lot),
            }
            for lot in opened
        ],
        "balances": show_balances(after),
    }


def show_lot_change(operation: Operation, before: Lot, after: Lot, *, reason: str, member: MemberState) -> Json:
    """Show a lot whose times were changed."""
    return {
        "lot_id": show_id("lot", after.id),
        **head(operation),
        "wallet": after.wallet,
        "remaining": after.remaining,
        **_show_times(after),
        "before": _show_times(before),
        "reason": reason,
        "balances": show_balances(member),
    }


def show_transfer(operation: Operation, request: Transfer, sender: MemberState, recipient: MemberState) -> Json:
    """Show points that one member gave another."""
    return {
        **head(operation),
        "recipient_id": show_id("mem", recipient.id),
        "wallet": request.wallet,
        "points": request.points,
        "reason": request.reason,
        "balances": show_balances(sender),
        "recipient_balances": show_balances(recipient),
    }


def show_merge(operation: Operation, request: MergeMembers, absorbed: MemberState, after: MemberState) -> Json:
    """Show two members that are one now, and what the absorbed one had."""
    return {
        **head(operation),
        "absorbed_id": show_id("mem", absorbed.id),
        "moved": [
            {"wallet": wallet, "available": balance.available, "pending": balance.pending, "debt": balance.debt}
            for wallet, balance in sorted(absorbed.balances.items())
        ],
        "reason": request.reason,
        "balances": show_balances(after),
    }


def show_reversal(
    operation: Operation,
    known: KnownOperation,
    *,
    taken: Sequence[Taken],
    reason: str,
    after: MemberState,
    other: MemberState | None = None,
) -> Json:
    """Show the exact opposite of an earlier operation, and what it took from whom it had given."""
    return {
        **head(operation),
        "reverses": show_id("op", known.id),
        "kind": known.kind,
        "taken": show_taken(taken),
        "reason": reason,
        "balances": show_balances(after),
        "recipient_balances": show_balances(other),
    }


def _show_times(lot: Lot) -> Json:
    return {
        "available_at": None if lot.available_at is None else show_instant(lot.available_at),
        "expires_at": None if lot.expires_at is None else show_instant(lot.expires_at),
    }
