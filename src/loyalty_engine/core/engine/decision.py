"""Decisions and the changes they carry: the exact rows that record will write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.facts import Earlier, MemberState, OperationKind
from loyalty_engine.core.engine.requests import Call, Profile
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.core.memberships.membership import PlanMove
from loyalty_engine.core.points.book import Entries
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.promotions.codes import CodeMemory, CodeRow
from loyalty_engine.core.referrals.guards import Fingerprint
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, Order, Scalar
from loyalty_engine.core.rules.reasons import PromotionReason, Reason
from loyalty_engine.core.tiers.standings import TierMove


@dataclass(frozen=True, slots=True)
class Operation:
    """One accepted business act as the log keeps it. ``reverses`` names the operation it undoes, once.

    ``other_member_id`` is the second member of one that is about two.
    """

    id: UUID
    kind: OperationKind
    call: Call
    effective_at: datetime
    booked_at: datetime
    revision: int
    member_id: UUID | None = None
    order_id: UUID | None = None
    reverses: UUID | None = None
    other_member_id: UUID | None = None

    @classmethod
    def asked(
        cls,
        kind: OperationKind,
        call: Call,
        now: datetime,
        revision: int,
        *,
        effective_at: datetime | None = None,
        member_id: UUID | None = None,
        order_id: UUID | None = None,
        reverses: UUID | None = None,
        other_member_id: UUID | None = None,
    ) -> "Operation":
        """Return the operation that a call asked for itself, booked now and, unless told otherwise, effective now."""
        when = now if effective_at is None else effective_at
        about = member_id, order_id, reverses, other_member_id
        return cls(call.operation_id, kind, call, when, now, revision, *about)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it is kept: its natural key is unique for ever. ``earned`` is what its rules gave, ``promoted`` what its
    promotions gave, to judge it again, and ``codes`` what the promo codes that opened some of these took from their limits.
    ``reservation_id`` is what it was confirmed from.
    """

    id: UUID
    natural_key: str
    order: Order
    member_id: UUID | None
    parked_for: Identity | None
    payment: PaidPoints | None
    earned: tuple[RuleMemory, ...] = ()
    promoted: tuple[PromotionMemory, ...] = ()
    codes: tuple[CodeMemory, ...] = ()
    reservation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What became of an order: its ``number``-th change, from 1 on, which nobody else may have made meanwhile.

    ``spend`` is what it counts for now; ``lines`` are what the customer has of it now. ``state`` is the whole of it.
    """

    order_id: UUID
    number: int
    state: OrderState
    spend: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A return that waits for its order, known by its natural key, until ``waits_until``."""

    natural_key: str
    goods: Goods
    waits_until: datetime


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """An activity as it is kept, with the id of its operation.

    ``mark`` is a text that this member may set only once for this kind, for ever: the subject, or the period in which
    the activity counts once. None: it counts every time.
    """

    id: UUID
    member_id: UUID
    kind: str
    subject: str | None
    mark: str | None
    location: str | None
    attributes: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Take:
    """``amount`` > 0 taken from a shared counter, which may never hold more than ``cap``; < 0 is given back.

    ``until`` is given for what a reservation holds only so long: a lease. It frees itself then, and counts until then like
    what was taken for good.
    """

    counter: str
    amount: int
    cap: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReservationEnd:
    """A reservation ends, once: it became an order, or nothing."""

    reservation_id: UUID
    how: Literal["confirmed", "released", "replaced"]


@dataclass(frozen=True, slots=True)
class MemberWrite:
    """The guard and the member's row after it: written only if the version is still the expected one."""

    expected_version: int
    after: MemberState


@dataclass(frozen=True, slots=True)
class Changes:
    """All rows of one operation. ``facts`` and the reasons explain it later; ``answer`` is what the caller gets.

    ``claimed`` is the memory of what a claimed order earned. ``natural_key`` is the number of a return, or of a
    payment, accepted once. ``matched`` are the returns that had waited for their order and need not any more,
    ``dropped`` those that it cannot have and that wait in vain. ``other`` and ``other_entries`` are the guard and the
    ledger of the second member. ``tiers`` are the places in tier sets that change, ``plans`` the memberships.
    ``referral`` is what became of one, guarded by its friend's version; ``fingerprints`` were seen with the member, and
    ``codes_withdrawn`` can be used no more.
    """

    operation: Operation
    answer: Mapping[str, Any]
    facts: Mapping[str, Any]
    reasons: tuple[Reason, ...] = ()
    promotion_reasons: tuple[PromotionReason, ...] = ()
    member: MemberWrite | None = None
    entries: Entries | None = None
    order: OrderRow | None = None
    claimed_order_id: UUID | None = None
    claimed: tuple[RuleMemory, ...] = ()
    order_change: OrderChange | None = None
    natural_key: str | None = None
    waiting: WaitingRow | None = None
    matched: tuple[UUID, ...] = ()
    dropped: tuple[UUID, ...] = ()
    other: MemberWrite | None = None
    other_entries: Entries | None = None
    activity: ActivityRow | None = None
    takes: tuple[Take, ...] = ()
    reservation: Reservation | None = None
    reservation_end: ReservationEnd | None = None
    codes: tuple[CodeRow, ...] = ()
    identities_added: tuple[Identity, ...] = ()
    identities_removed: tuple[Identity, ...] = ()
    profile: Profile | None = None
    note: str | None = None
    tiers: tuple[TierMove, ...] = ()
    plans: tuple[PlanMove, ...] = ()
    referral: Referral | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    codes_withdrawn: tuple[FoldedCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request becomes an operation as soon as its changes are recorded.

    ``before`` are operations of their own that the request brings along and that come first: what time did to the member,
    what an exchange took back. ``after`` are those that follow it, such as returns that waited for the order. All share
    one fate; the answer is that of ``changes``.
    """

    changes: Changes
    before: tuple[Changes, ...] = ()
    after: tuple[Changes, ...] = ()

    @property
    def parts(self) -> tuple[Changes, ...]:
        """Everything that is to be recorded, in its order."""
        return (*self.before, self.changes, *self.after)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request moves no value. ``is_stored`` tells whether its key stays bound to this refusal."""

    refusal: Refusal
    reasons: tuple[Reason, ...] = ()
    is_stored: bool = True


@dataclass(frozen=True, slots=True)
class Repeated:
    """The request was decided before. ``is_same_key`` is False when only the natural key gave it away."""

    earlier: Earlier
    is_same_key: bool


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The request is neither accepted nor refused: somebody has to look at it. ``refusal`` is what stands against it."""

    refusal: Refusal


Decision = Accepted | Refused | Repeated | Reviewed
