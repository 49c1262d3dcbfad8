"""Scopes: everything an API key can be allowed to do. Each route demands one of these and nothing else is one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

SCOPES: Final[Mapping[str, str]] = {
    "orders:write": "Report orders and receipts, pay a part of them with points, claim, edit, confirm and void them, and "
    "take goods back.",
    "orders:read": "Read orders and returns, and orders that wait for a review.",
    "reviews:write": "Decide about orders that came late, from the future, or under a used number, and about friends who look "
    "suspicious.",
    "evaluations:read": "Look what an order would do.",
    "activities:write": "Report what members did beside buying.",
    "activities:read": "Read activities.",
    "redemptions:write": "Spend or hold points outside orders, and take such a redemption back.",
    "redemptions:read": "Read such redemptions and holds.",
    "adjustments:write": "Set right by hand: add, take and transfer points, change lots, merge and block members, reverse "
    "operations.",
    "points:read": "Read balances, postings, lots, holds and expirations.",
    "members:write": "Enrol and change members.",
    "members:read": "Find and read members.",
    "tiers:write": "Put members into tiers by hand, and end that.",
    "tiers:read": "See where members are in tier sets, and what that entitles them to.",
    "plans:write": "Report payments for memberships, and let members try, leave, and get money back.",
    "plans:read": "See what members have of the plans that they pay for.",
    "codes:write": "Make, import, give out and change promo codes, vouchers and their pools.",
    "codes:read": "Look up, list and export promo codes, and learn why one cannot be used.",
    "referrals:write": "Register friends under the code of who brought them, and say what members are known again by.",
    "referrals:read": "Read referrals and members' own codes, and who brought whom.",
    "imports:write": "Upload files of members, points, past orders and codes, and see what became of them.",
    "operations:read": "Read operations, what explains them, and what became of an idempotency key.",
    "ledger:read": "Check the ledger's invariants, and read what each day moved.",
    "jobs:write": "Start, cancel and retry jobs.",
    "jobs:read": "Read jobs and how far they are.",
    "program:write": "Publish the program's document, and return to an old revision.",
    "program:read": "Read the program's document and its revisions.",
    "keys:write": "Create, rotate and revoke API keys.",
    "keys:read": "List API keys, without their secrets.",
}
"""What each scope allows, in the order in which people read of it."""

ADMIN: Final[Sequence[str]] = tuple(SCOPES)
"""What the operator's first key may do: everything."""

TILL: Final[Sequence[str]] = (
    "orders:write",
    "evaluations:read",
    "activities:write",
    "redemptions:write",
    "members:read",
    "tiers:read",
)
"""What a till needs, and no more."""

PRESETS: Final[Mapping[str, Sequence[str]]] = {"admin": ADMIN, "till": TILL}
"""Ready sets by name."""


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return known scopes once each, in the order of the catalogue; raise ``KeyError`` for an unknown one."""
    places = {scope: place for place, scope in enumerate(SCOPES)}
    return tuple(sorted(set(scopes), key=places.__getitem__))
