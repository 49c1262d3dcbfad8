"""Facts: everything a decision may look at, read in one round trip and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from loyalty_engine.core.engine.requests import Profile
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Order

MemberStatus = Literal["active", "blocked"]


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member as the rows show it. ``version`` 0 means that it is not recorded yet.

    ``lots`` are the open ones, and those that a redemption to be taken back has emptied; they are read only for
    requests that spend or restore, ``profile`` only where the rules or the request need it. ``spend`` is net minor
    units of all accepted orders.
    """

    id: UUID
    version: int
    seq: int
    status: MemberStatus
    booked_at: datetime
    orders: int = 0
    spend: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    enrolled_at: datetime | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    balances: Mapping[str, Balance] = field(default_factory=dict)
    lots: tuple[Lot, ...] = ()
    profile: Profile | None = None
    history: tuple[PastOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """The outcome that an idempotency key or a natural key already has: repeated word for word.

    ``refusal_code`` is None for an accepted operation.
    """

    request_hash: bytes
    answer: str
    refusal_code: str | None = None
    operation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order that was accepted before.

    ``parked_for`` is the unknown card it waits for and ``parked_owner`` the member who has that card by now.
    """

    id: UUID
    earlier: Earlier
    member_id: UUID | None
    claimed_by: UUID | None
    parked_for: Identity | None = None
    parked_owner: UUID | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class KnownRedemption:
    """A redemption that was accepted before, with the lots that paid for it."""

    id: UUID
    member_id: UUID
    wallet: str
    points: int
    uses: tuple[LotUse, ...]
    cancelled_by: UUID | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request's decision may look at.

    ``earlier`` is what the idempotency key already did, ``owners`` the members that hold the identities which the
    request names. ``counters`` tell how much of the program's shared counters is used: a missing one is unused.
    ``marked_by`` is the operation that already set the mark which an activity may set only once.
    """

    member: MemberState | None = None
    earlier: Earlier | None = None
    order: KnownOrder | None = None
    redemption: KnownRedemption | None = None
    owners: Mapping[Identity, UUID] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    marked_by: UUID | None = None
