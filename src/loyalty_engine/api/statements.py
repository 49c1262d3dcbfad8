"""The line that a statement shows for an entry of a member's timeline: what happened, where, and what it moved."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from iso4217 import Currency

from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.reading.points import Movement
from loyalty_engine.persistence.reading.timeline import AcceptedEntry, Activity, Purchase, TimelineEntry


def summarise(entry: TimelineEntry) -> str:
    """Return the line of an entry, for people; programs read the fields beside it."""
    if not isinstance(entry, AcceptedEntry):
        return f"Refused: {entry.problem['title']}"
    moved = ", ".join(part for movement in entry.movements for part in _show_movement(entry.kind, movement))
    line = _subject(entry)
    return f"{line}: {moved}" if moved else line


def show_money(amount: int, currency: str) -> str:
    """Return minor units as people read them: ``18.99 EUR``, ``1899 JPY``."""
    digits = _minor_digits(currency)
    if not digits:
        return f"{amount} {currency}"
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:0{digits}d} {currency}"


def _subject(entry: AcceptedEntry) -> str:
    match entry.kind:
        case "order":
            return _show_purchase(entry.purchase)
        case "claim":
            return f"Claimed later: {_show_purchase(entry.purchase)}"
        case "activity":
            return _show_activity(entry.activity)
        case "redemption":
            return "Redemption"
        case "redemption_cancel" if entry.reverses is not None:
            return f"Redemption {show_id('red', entry.reverses)} taken back{_because(entry)}"
        case "adjustment":
            return f"Correction{_because(entry)}"
        case "enrolment":
            return "Enrolled"
        case "member_change":
            return "Profile or identities changed"
        case other:
            return other.replace("_", " ").capitalize()


def _because(entry: AcceptedEntry) -> str:
    return f" ({entry.reason})" if entry.reason else ""


def _show_purchase(purchase: Purchase | None) -> str:
    if purchase is None:
        return "Order"
    return f"{_show_reference(purchase.reference)}, {show_money(purchase.total, purchase.currency)}"


def _show_activity(activity: Activity | None) -> str:
    if activity is None:
        return "Activity"
    return f"Activity {activity.kind} ({activity.subject})" if activity.subject else f"Activity {activity.kind}"


def _show_reference(reference: Mapping[str, Any]) -> str:
    if "order_id" in reference:
        return f"Order {reference['order_id']}"
    return f"Receipt {reference['number']} at {reference['location']}, till {reference['till']}"


def _show_movement(kind: str, movement: Movement) -> list[str]:
    """Say it from the member's side. Money wallets hold minor units; their key says so better than a unit could."""
    gained = (
        "earned" if kind in {"order", "claim", "activity"} else "returned" if kind == "redemption_cancel" else "added"
    )
    lost = "taken" if kind == "adjustment" else "spent"
    parts = []
    if movement.taken:
        parts.append(f"{movement.taken} {movement.wallet} {lost}")
    if movement.added:
        parts.append(f"{movement.added} {movement.wallet} {gained}")
    if movement.owed > 0:
        parts.append(f"{movement.owed} of them owed")
    if movement.owed < 0:
        parts.append(f"{-movement.owed} of them paid a debt")
    return parts


@cache
def _minor_digits(currency: str) -> int:
    try:
        return Currency(currency).exponent or 0
    except ValueError:
        return 0
