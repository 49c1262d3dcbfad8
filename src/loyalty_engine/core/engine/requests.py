"""What can be asked of the engine: a closed union of immutable requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from loyalty_engine.core.engine.clearance import Clearance
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.points.opening import OpeningLot
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import NO_CODES, Codes
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, Order, OrderReference, Scalar, Tender, natural_key

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
    is a digest of the route and the canonical body. ``keeps_refusals`` is False for a key that was made from the request's
    own number and content: the same refused request is judged anew.
    """

    operation_id: UUID
    actor: Actor
    request_hash: bytes
    key: str | None = None
    scope: str = ""
    keeps_refusals: bool = True


OrderRef = UUID | OrderReference
"""An order by our id, or by the number that shop or till gave it; it may not have arrived yet."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Goods of an earlier order that a receipt takes back while it sells others."""

    order: OrderRef
    goods: Goods


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A paid order or receipt: earn, and pay part with points. ``member`` None is a guest.

    ``exchanges`` are goods that come back on the same receipt; they are dealt with first. One that ``is_past`` was brought
    along from another system and may be of any age. A member with ``brought`` is registered as a friend first, if it can be:
    the order stands all the same.
    """

    call: Call
    member: MemberRef | None
    order: Order
    payment: Payment | None = None
    exchanges: tuple[Exchange, ...] = ()
    clearance: Clearance | None = None
    is_past: bool = False
    codes: Codes = NO_CODES
    brought: Bringing | None = None

    @property
    def natural_key(self) -> str:
        """The text under which the order is accepted once, for ever; a reused number ends with the review's id."""
        key = natural_key(self.order.reference, self.call.actor.location)
        if self.clearance is None or not self.clearance.is_number_reused:
            return key
        return f"{key}|{show_id('rev', self.clearance.review_id)}"


@dataclass(frozen=True, slots=True)
class ReturnGoods:
    """Goods of an order come back, or money for them, at any store.

    ``reference`` is the number that it has itself, accepted once under any key. ``returned_at`` None means now.
    """

    call: Call
    order: OrderRef
    goods: Goods
    returned_at: datetime | None = None
    reference: OrderReference | None = None
    location: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A whole order or receipt is void: all that is left of it comes back, shipping too."""

    call: Call
    order_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class EditOrder:
    """An order changes before anything of it was shipped or came back: it earns as if it had been placed like this."""

    call: Call
    order_id: UUID
    lines: tuple[Line, ...]
    shipping: int
    tenders: tuple[Tender, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ActivateOrder:
    """The shop confirms an order, or some of its goods: points that waited for it can be spent. None: all of it."""

    call: Call
    order_id: UUID
    goods: Goods | None = None


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """A look at what placing this order would do, no operation. What the reservation holds that it ``replaces`` is free."""

    actor: Actor
    member: MemberRef | None
    order: Order
    payment: Payment | None = None
    codes: Codes = NO_CODES
    replaces: UUID | None = None
    brought: Bringing | None = None


@dataclass(frozen=True, slots=True)
class ReserveOrder:
    """Decide an order as if it were placed, and hold for ``ttl`` all that it takes: points, limits, budgets, uses of codes.

    ``replaces`` is an earlier reservation of the same cart, which ends with that. A member with ``brought`` is registered as
    a friend at once, if it can be, and stays one whatever becomes of the cart.
    """

    call: Call
    member: MemberRef | None
    order: Order
    ttl: timedelta
    payment: Payment | None = None
    codes: Codes = NO_CODES
    replaces: UUID | None = None
    brought: Bringing | None = None


@dataclass(frozen=True, slots=True)
class ConfirmReservation:
    """The reserved order was paid: it becomes an order of that number, for exactly what was decided."""

    call: Call
    reservation_id: UUID
    reference: OrderReference

    @property
    def natural_key(self) -> str:
        """The text under which the order is accepted once, for ever."""
        return natural_key(self.reference, self.call.actor.location)


@dataclass(frozen=True, slots=True)
class ReleaseReservation:
    """The reserved order will not be paid: all that it holds is free again."""

    call: Call
    reservation_id: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Give a member a promo code of its own out of a pool."""

    call: Call
    member: MemberRef
    pool: str


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """A member takes over an order that was accepted without one."""

    call: Call
    order_id: UUID
    member: MemberRef


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """Something a member did beside buying, of a declared kind. ``subject`` is what it was about, for once per subject."""

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
class HoldPoints:
    """Set points aside for ``ttl``, to be spent later or to come back."""

    call: Call
    member: MemberRef
    wallet: str
    points: int
    ttl: timedelta


@dataclass(frozen=True, slots=True)
class EndHold:
    """Spend ``points`` of a hold, the rest goes back; None: all of it, 0: it is voided."""

    call: Call
    hold_id: UUID
    points: int | None
    reason: str | None = None


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
class ChangeLot:
    """Let points last longer or shorter, or be spent now though they still wait; a reason code says why.

    ``expires_at`` None means never; it is left alone unless ``changes_expiry``.
    """

    call: Call
    lot_id: UUID
    changes_expiry: bool
    expires_at: datetime | None
    activates: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move available points from one member to another; they keep their age and expiry."""

    call: Call
    member: MemberRef
    recipient: MemberRef
    wallet: str
    points: int
    reason: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MergeMembers:
    """Two members are one person: ``absorbed`` gives all it has to ``member`` and stands for it from now on."""

    call: Call
    member: MemberRef
    absorbed: MemberRef
    reason: str


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Block a member, or unblock it."""

    call: Call
    member: MemberRef
    status: Literal["active", "blocked"]
    reason: str


@dataclass(frozen=True, slots=True)
class GrantTier:
    """Put a member into a tier of a set by hand, None: below all of them, until then, None: for good; a reason code says why."""

    call: Call
    member: MemberRef
    tier_set: str
    tier: str | None
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class EndGrant:
    """Let a member go where it would be if nobody had put it elsewhere by hand; a reason code says why."""

    call: Call
    member: MemberRef
    tier_set: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReverseOperation:
    """Book the exact opposite of an adjustment, a transfer, an activity or a merge. Orders are cancelled instead."""

    call: Call
    operation_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A member's personal data: kept apart from the ledger so that it can be erased."""

    name: str | None = None
    birthday: date | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnrolMember:
    """A new member with its first identities; ``enrolled_at`` None means now."""

    call: Call
    identities: tuple[Identity, ...]
    profile: Profile
    enrolled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenLots:
    """Take over points of a member that another system kept; ``reference`` is what that one called them."""

    call: Call
    member: MemberRef
    lots: tuple[OpeningLot, ...]
    reference: str | None = None


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


_AboutOrders = PlaceOrder | ReturnGoods | CancelOrder | EditOrder | ActivateOrder | ClaimOrder
_AboutCarts = ReserveOrder | ConfirmReservation | ReleaseReservation | IssueCode
_AboutPoints = Redeem | HoldPoints | EndHold | CancelRedemption | Adjust | ChangeLot | Transfer | OpenLots
_AboutMembers = EnrolMember | ChangeMember | SetStatus | MergeMembers | RecordActivity | GrantTier | EndGrant
Request = _AboutOrders | _AboutCarts | _AboutPoints | _AboutMembers | ReverseOperation
