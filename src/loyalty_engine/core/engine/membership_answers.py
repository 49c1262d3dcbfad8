"""What answers tell of memberships."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from loyalty_engine.core.engine.answers import head
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.memberships.membership import Membership, Paid

Json = dict[str, Any]
Refunds = Sequence[tuple[Paid, int]]
"""Payments of which something is given back, each with how much, in minor units."""


def show_membership(plan: str, held: Membership, now: datetime) -> Json:
    """Show what a member has of a plan."""
    return {
        "plan": plan,
        "state": held.state(now),
        "since": show_instant(held.since),
        "paid_until": show_instant(held.paid_until),
        "ends_at": show_instant(held.ends_at),
        "cancelled_at": None if held.cancelled_at is None else show_instant(held.cancelled_at),
    }


def show_refund(currency: str, refunds: Refunds) -> Json:
    """Show how much money the shop has to give back, and of which payments."""
    return {
        "currency": currency,
        "amount": sum(amount for _, amount in refunds),
        "payments": [{"payment": paid.payment.number, "amount": amount} for paid, amount in refunds],
    }


def show_lapses(operation: Operation, ended: Mapping[str, Membership]) -> Json:
    """Show which memberships ended because nobody renewed them."""
    return {
        **head(operation),
        "plans": [show_membership(plan, held, operation.booked_at) for plan, held in ended.items()],
    }


def show_memberships(ruleset: Ruleset, member: MemberState, now: datetime) -> list[Json]:
    """Show all plans that the member has, or had, with what would be given back if each ended now."""
    at = max(now, member.booked_at)  # a clock that is behind does not undo what was paid
    return [_show(ruleset, plan, held, at) for plan, held in sorted(member.plans.items())]


def _show(ruleset: Ruleset, plan: str, held: Membership, now: datetime) -> Json:
    terms = ruleset.plans.get(plan)
    refunds = terms.refunds(held.paid, now) if terms is not None and held.runs(now) else ()
    return {
        **show_membership(plan, held, now),
        "payments": [_show_paid(paid) for paid in held.paid],
        "refund": show_refund(ruleset.currency, refunds),
        "entitlements": [*terms.privileges.entitlements] if terms is not None and held.runs(now) else [],
    }


def _show_paid(paid: Paid) -> Json:
    return {
        "payment": paid.payment.number,
        "amount": paid.payment.amount,
        "paid_at": show_instant(paid.payment.paid_at),
        "since": show_instant(paid.since),
        "until": show_instant(paid.until),
    }
