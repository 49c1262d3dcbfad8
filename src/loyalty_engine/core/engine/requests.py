"""What can be asked of the engine: a closed union of immutable requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.rules.order import Order, Scalar

MemberRef = UUID | Identity
"""A member by our id or by one of the identities."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: the API client and, for tills, where it stands."""

    client_id: int
    location: str | None = None
    till: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What surrounds every request: a fresh operation id, the asker, and the idempotency key with its scope.

    ``scope`` tells tills apart that share one API client, so that their short keys never meet. ``request_hash``
    is a digest of the route and the canonical body.
    """

    operation_id: UUID
    actor: Actor
    request_hash: bytes
    key: str | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """The wish to pay part of an order with points; ``points`` None means as many as possible."""

    wallet: str
    points: int | None


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A paid order or receipt: earn, and pay part with points. ``member`` None is a guest."""

    call: Call
    member: MemberRef | None
    order: Order
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """A look at what placing this order would do. It never becomes an operation, so no call surrounds it."""

    actor: Actor
    member: MemberRef | None
    order: Order
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """A member takes over an order that was accepted without one."""

    call: Call
    order_id: UUID
    member: MemberRef


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """Something a member did that is no purchase, of a kind that the program declares.

    ``subject`` names what it was about (a survey, a product), for kinds that count once per subject.
    """

    call: Call
    member: MemberRef
    kind: str
    occurred_at: datetime
    subject: str | None = None
    location: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redeem:
    """Spend an amount of points outside an order."""

    call: Call
    member: MemberRef
    wallet: str
    points: int


@dataclass(frozen=True, slots=True)
class CancelRedemption:
    """Book the exact opposite of a redemption: every point back to its lot."""

    call: Call
    redemption_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Adjust:
    """Correct a balance by hand: ``points`` ≠ 0, a reason code, and a note that is kept as personal data."""

    call: Call
    member: MemberRef
    wallet: str
    points: int
    reason: str
    note: str | None = None
    if_short: Literal["refuse", "debt"] = "refuse"


@dataclass(frozen=True, slots=True)
class Profile:
    """A member's personal data: kept apart from the ledger so that it can be erased."""

    name: str | None = None
    birthday: date | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnrolMember:
    """A new member with its first identities."""

    call: Call
    identities: tuple[Identity, ...]
    profile: Profile


@dataclass(frozen=True, slots=True)
class ChangeMember:
    """Replace a member's profile fields, add and remove identities.

    ``changes`` maps profile fields to their new value; attributes are merged one by one and removed by None.
    """

    call: Call
    member: MemberRef
    changes: Mapping[str, object]
    add_identities: tuple[Identity, ...] = ()
    remove_identities: tuple[Identity, ...] = ()


Request = PlaceOrder | ClaimOrder | RecordActivity | Redeem | CancelRedemption | Adjust | EnrolMember | ChangeMember
