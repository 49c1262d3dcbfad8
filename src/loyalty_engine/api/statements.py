"""The line that a statement shows for an entry of a member's timeline: what happened, where, and what it moved."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from iso4217 import Currency

from loyalty_engine.api.phrases import show_tier
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.reading.points import Movement
from loyalty_engine.persistence.reading.timeline import AcceptedEntry, Activity, Purchase, TimelineEntry

_KINDS: Final = {
    "code": "Promo code given",
    "capture": "Hold captured",
    "void": "Hold voided",
    "reservation": "Cart reserved",
    "release": "Reservation ended",
    "adjustment": "Correction",
    "lot_change": "Dates of points changed",
    "enrolment": "Enrolled",
    "opening": "Points taken over",
    "member_change": "Profile or identities changed",
    "block": "Blocked",
    "unblock": "Unblocked",
    "tier_review": "Tiers reviewed",
    "tier_grant": "Tier given by hand",
    "tier_grant_end": "Tier given by hand ended",
    "plan_payment": "Membership paid",
    "plan_trial": "Membership tried",
    "plan_cancel": "Membership cancelled",
    "plan_refund": "Payment for a membership given back",
    "plan_lapse": "Membership lapsed",
    "fingerprints": "Fingerprints seen",
    "referral": "Registered as a friend",
    "referral_review": "Referral looked at",
    "referral_reward": "Referral due",
}
_BETWEEN: Final = {
    ("transfer", False): "Transfer to",
    ("transfer", True): "Transfer from",
    ("merge", False): "Merged with",
    ("merge", True): "Merged into",
    ("referral", False): "Registered as a friend of",
    ("referral", True): "Brought as a friend:",
    ("referral_reward", False): "Rewarded as a friend of",
    ("referral_reward", True): "Rewarded for the friend",
    ("referral_reversal", False): "No friend any more of",
    ("referral_reversal", True): "Counts as a friend no more:",
}
"""What is said of operations about two, to the first and to the second of them; the other one follows."""
_UNNAMED: Final = {
    ("referral", False): "Registered as a friend",
    ("referral", True): "Brought a friend",
    ("referral_reward", False): "Rewarded as a friend",
    ("referral_reward", True): "Rewarded for a friend",
    ("referral_reversal", False): "No friend any more",
    ("referral_reversal", True): "A friend counts no more",
}
"""The same where the other one is not told."""
_BETWEEN_KINDS: Final = frozenset({"transfer", "merge"})
_EARNING: Final = frozenset({"order", "claim", "activity", "order_edit", "referral_reward"})
_RESTORING: Final = frozenset({"redemption_cancel", "return", "order_cancel"})
_SPENDING: Final = frozenset({"order", "redemption", "capture"})


def summarise(entry: TimelineEntry) -> str:
    """Return the line of an entry, for people; programs read the fields beside it."""
    if not isinstance(entry, AcceptedEntry):
        return f"Refused: {entry.problem['title']}"
    moved = [part for movement in entry.movements for part in _show_movement(entry, movement)]
    moved += [show_tier(tier.tier_set, tier.before, tier.after, tier.until) for tier in entry.tiers]
    line = _subject(entry)
    return f"{line}: {', '.join(moved)}" if moved else line


def without_friends(entry: TimelineEntry) -> TimelineEntry:
    """Return an entry as those see it who may not know who brought whom."""
    if isinstance(entry, AcceptedEntry) and (entry.kind, entry.is_second) in _UNNAMED:
        return entry.without_other()
    return entry


def show_money(amount: int, currency: str) -> str:
    """Return minor units as people read them: ``18.99 EUR``, ``1899 JPY``."""
    digits = _minor_digits(currency)
    if not digits:
        return f"{amount} {currency}"
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:0{digits}d} {currency}"


def _subject(entry: AcceptedEntry) -> str:
    match entry.kind:
        case "order" | "return" | "order_cancel" | "order_edit" | "activation" | "claim":
            return _show_order(entry)
        case "activity":
            return _show_activity(entry.activity)
        case "redemption_cancel" if entry.reverses is not None:
            return f"Redemption {show_id('red', entry.reverses)} taken back{_because(entry)}"
        case kind if (kind, entry.is_second) in _BETWEEN and entry.other_id is not None:
            return f"{_BETWEEN[kind, entry.is_second]} {show_id('mem', entry.other_id)}{_because(entry)}"
        case kind if entry.hides_other:
            return f"{_UNNAMED[kind, entry.is_second]}{_because(entry)}"
        case "reversal" if entry.reversed_kind is not None:
            return f"{_KINDS.get(entry.reversed_kind, _in_words(entry.reversed_kind))} taken back{_because(entry)}"
        case other:
            return f"{_KINDS.get(other, _in_words(other))}{_because(entry)}"


def _show_order(entry: AcceptedEntry) -> str:
    purchase = _show_purchase(entry.purchase)
    match entry.kind:
        case "return":
            return f"Return of {purchase}{_because(entry)}"
        case "order_cancel":
            return f"{purchase} cancelled{_because(entry)}"
        case "order_edit":
            return f"{purchase} edited{_because(entry)}"
        case "activation":
            return f"{purchase} confirmed"
        case "claim":
            return f"Claimed later: {purchase}"
        case _:
            return purchase


def _in_words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


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


def _show_movement(entry: AcceptedEntry, movement: Movement) -> list[str]:
    """Say it from the member's side. Money wallets hold minor units; their key says so better than a unit could."""
    lost, gained = _verbs(entry)
    said = (
        (movement.taken - movement.expired, lost),
        (movement.expired, "expired"),
        (movement.added, gained),
        (movement.matured, "can be spent now"),
        (movement.released, "released"),
        (movement.held, "set aside"),
    )
    parts = [f"{points} {movement.wallet} {verb}" for points, verb in said if points > 0]
    of_them = (
        (movement.pending, "can be spent later"),
        (movement.owed, "owed"),
        (-movement.owed, "paid a debt"),
    )
    return parts + [f"{points} of them {verb}" for points, verb in of_them if points > 0]


def _verbs(entry: AcceptedEntry) -> tuple[str, str]:
    """Return what is said of points that went, and of points that came."""
    if entry.kind in _BETWEEN_KINDS:
        return "given", "received"
    gained = "earned" if entry.kind in _EARNING else "returned" if entry.kind in _RESTORING else "added"
    return "spent" if entry.kind in _SPENDING else "taken", gained


@cache
def _minor_digits(currency: str) -> int:
    try:
        return Currency(currency).exponent or 0
    except ValueError:
        return 0
