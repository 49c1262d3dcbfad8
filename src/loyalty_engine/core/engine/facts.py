"""Facts: everything a decision may look at, read in one round trip and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.requests import OrderRef, Profile
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.memberships.membership import Memberships
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.points.postings import Posting
from loyalty_engine.core.promotions.codes import CodeMemory, KnownCode
from loyalty_engine.core.promotions.pools import KnownPool
from loyalty_engine.core.referrals.guards import NO_TIES, Ties
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import UNTOUCHED, OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.tiers.metrics import Moved
from loyalty_engine.core.tiers.standings import MemberTiers

OperationKind = Literal[
    "order",
    "reservation",
    "release",
    "code",
    "return",
    "order_cancel",
    "order_edit",
    "activation",
    "claim",
    "activity",
    "redemption",
    "redemption_cancel",
    "hold",
    "capture",
    "void",
    "adjustment",
    "lot_change",
    "transfer",
    "merge",
    "reversal",
    "time_passed",
    "enrolment",
    "opening",
    "member_change",
    "block",
    "unblock",
    "tier_review",
    "tier_grant",
    "tier_grant_end",
    "plan_payment",
    "plan_trial",
    "plan_cancel",
    "plan_refund",
    "plan_lapse",
    "fingerprints",
    "referral",
    "referral_review",
    "referral_reward",
    "referral_reversal",
]

MemberStatus = Literal["active", "blocked", "merged"]


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member as the rows show it. ``version`` 0 means that it is not recorded yet.

    ``lots`` are the open ones, and those that ``holds`` or what is to be taken back have emptied; ``holds`` are those that
    have not ended. Both are read (``sees_lots``) for requests that spend or restore, and whenever something is due:
    ``due_at`` is a moment before which time changes nothing about the member's points. ``profile`` is read only where the
    rules or the request need it. ``spend`` is net minor units of all accepted orders that were not returned. A merged
    member is never seen: ``merged_into`` stands for it. ``tiers`` are where it is in tier sets. ``earned`` is what it earned,
    and what was taken back, in wallets of which a tier set counts that, as far back as it looks. ``plans`` are its memberships.
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
    holds: tuple[Hold, ...] = ()
    sees_lots: bool = False
    due_at: datetime | None = None
    merged_into: UUID | None = None
    tiers: MemberTiers = field(default_factory=dict)
    earned: Mapping[str, Moved] = field(default_factory=dict)
    plans: Memberships = field(default_factory=dict)


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

    ``parked_for`` is the unknown card it waits for and ``parked_owner`` the member who has that card by now. The rest
    is read only for requests about that order: its content, what points paid (``payment`` with ``uses``, their lots in
    the order in which they were spent), what it earned and what promotions gave (``promoted``) under which ``revision``,
    what became of it since (``state`` after ``changes`` changes), and the lots that it brought to its member: ``own`` when
    it was placed, claimed, edited or activated, ``graces`` when goods came back. The member's ``lots`` hold all of those and
    those that paid for it, even if empty.
    ``member_id`` and ``claimed_by`` name the member that stands for a merged one.
    """

    id: UUID
    earlier: Earlier
    member_id: UUID | None
    claimed_by: UUID | None
    parked_for: Identity | None = None
    parked_owner: UUID | None = None
    order: Order | None = None
    revision: int = 0
    earned: tuple[RuleMemory, ...] = ()
    promoted: tuple[PromotionMemory, ...] = ()
    codes: tuple[CodeMemory, ...] = ()
    payment: PaidPoints | None = None
    uses: tuple[LotUse, ...] = ()
    changes: int = 0
    state: OrderState = UNTOUCHED
    own: tuple[UUID, ...] = ()
    graces: tuple[UUID, ...] = ()


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
class WaitingReturn:
    """A return that was accepted before its order: ``operation_id`` tells which, and it waits until ``waits_until``."""

    operation_id: UUID
    goods: Goods
    returned_at: datetime
    waits_until: datetime


@dataclass(frozen=True, slots=True)
class KnownHold:
    """A hold that was made before; ``ended_by`` is the operation that ended it, ``captured`` what that spent.

    ``has_expired``: that operation booked that it had run out.
    """

    hold: Hold
    member_id: UUID
    ended_by: UUID | None = None
    captured: int = 0
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class KnownReservation:
    """A reservation that was made before, for the member that stands for its own by now; ``ended_by`` is the operation that
    ended it, and ``how``. ``hold`` is what points it has set aside, if it did; while that is open it is among the member's.
    """

    reservation: Reservation
    member_id: UUID | None
    ended_by: UUID | None = None
    how: Literal["confirmed", "released", "replaced"] | None = None
    hold: KnownHold | None = None


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """An operation to be reversed: who it was about, what it posted, and what it took out of which lots.

    ``own`` are the lots that it brought; the members' ``lots`` hold those and the used ones, even if empty. ``detail`` are
    its kept facts.
    ``orders`` and ``spend`` count the orders of an absorbed member as they are now.
    """

    id: UUID
    kind: OperationKind
    member_id: UUID | None
    other_member_id: UUID | None
    reversed_by: UUID | None
    postings: tuple[Posting, ...]
    uses: tuple[LotUse, ...]
    own: tuple[UUID, ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    orders: int = 0
    spend: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request's decision may look at.

    ``earlier`` is what the idempotency key already did, ``owners`` the members that hold the identities which the
    request names. ``counters`` tell how much of the program's shared counters is used: a missing one is unused.
    ``marked_by`` is the operation that already set the mark which an activity may set only once. ``other`` is the second
    member of a request about two. ``returned`` are the orders of which goods come back, by what the request calls them
    (those that are not known are missing), and ``waiting`` the returns that came before the order which is placed now.
    ``same_number`` is what the shop's own number of a return, or of a payment, already did. ``rulesets`` are those of earlier revisions under
    which the orders in question earned. ``then`` are the rules that were in force when the order in question was placed,
    None: today's. ``codes`` are those of the request's promo codes that exist, ``reservation`` what it is about.
    ``pools`` are those out of which it may give a code to its member (those that are not known are missing), and
    ``given`` the codes that were given out by what was decided before over the same gather.
    ``referral`` is the one in which the member is the friend; for what comes back, the one that it may count for. With it
    ``other`` is its advocate, wherever the request is not about another second member, also if it brings another one's code;
    ``ties`` are the friend's, and both members' lots hold those that it gave, even if empty. Its members stand for merged ones.
    """

    member: MemberState | None = None
    earlier: Earlier | None = None
    order: KnownOrder | None = None
    redemption: KnownRedemption | None = None
    owners: Mapping[Identity, UUID] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    marked_by: UUID | None = None
    other: MemberState | None = None
    returned: Mapping[OrderRef, KnownOrder] = field(default_factory=dict)
    waiting: tuple[WaitingReturn, ...] = ()
    hold: KnownHold | None = None
    reversed: KnownOperation | None = None
    same_number: Earlier | None = None
    rulesets: Mapping[int, Ruleset] = field(default_factory=dict)
    then: Ruleset | None = None
    codes: Mapping[FoldedCode, KnownCode] = field(default_factory=dict)
    reservation: KnownReservation | None = None
    pools: Mapping[str, KnownPool] = field(default_factory=dict)
    given: frozenset[FoldedCode] = frozenset()
    referral: Referral | None = None
    ties: Ties = NO_TIES
