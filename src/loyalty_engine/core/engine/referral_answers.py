"""Answers about referrals. What a friend's checkout is told leaves out whose code it was, and what that one gets."""

from typing import Any

from loyalty_engine.core.engine.answers import Json, head
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.referrals.state import Given, Referral, state_at, tell_friend


def show_operation(operation: Operation, referral: Referral, *, reason: str | None = None) -> Json:
    """Show what an operation made of a referral."""
    return {**head(operation), **show_referral(referral, operation), "reason": reason}


def show_registration(operation: Operation, referral: Referral) -> Json:
    """Show what became of a friend who registers."""
    return {**head(operation), **show_for_friend(referral, operation)}


def show_for_friend(referral: Referral, operation: Operation) -> Json:
    """Show a friend's side of its referral, as an operation leaves it."""
    shown = show_referral(referral, operation)
    del shown["advocate_id"]
    reasons = tell_friend(state_at(referral, operation.booked_at)[1])
    return {
        **shown,
        "reasons": [reason.as_json() for reason in reasons],
        "rewards": [_show_given(given) for given in referral.given if given.side == "friend"],
    }


def show_referral(referral: Referral, operation: Operation) -> Json:
    """Show a referral as an operation leaves it."""
    state, reasons = state_at(referral, operation.booked_at)
    settles_at = referral.settles_at
    return {
        "id": show_id("rfl", referral.id),
        "programme": referral.programme,
        "friend_id": show_id("mem", referral.friend_id),
        "advocate_id": show_id("mem", referral.advocate_id),
        "state": state,
        "reasons": [reason.as_json() for reason in reasons],
        "registered_at": show_instant(referral.registered_at),
        "ends_at": None if referral.ends_at is None else show_instant(referral.ends_at),
        "settles_at": None if settles_at is None else show_instant(settles_at),
        "rewards": [_show_given(given) for given in referral.given],
    }


def _show_given(given: Given) -> dict[str, Any]:
    if given.code is not None:
        return {"side": given.side, "kind": "code", "code": given.code}
    return {"side": given.side, "kind": "points", "wallet": given.wallet, "points": given.points}
