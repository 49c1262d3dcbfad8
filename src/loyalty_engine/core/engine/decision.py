"""Decisions and the changes they carry: the exact rows that record will write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from loyalty_engine.core.engine.facts import Earlier, MemberState
from loyalty_engine.core.engine.requests import Call, Profile
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.core.points.book import Entries
from loyalty_engine.core.rules.order import Order, Scalar
from loyalty_engine.core.rules.reasons import Reason

OperationKind = Literal[
    "order", "claim", "activity", "redemption", "redemption_cancel", "adjustment", "enrolment", "member_change"
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One accepted business act as the log keeps it. ``reverses`` names the operation it undoes, once."""

    id: UUID
    kind: OperationKind
    call: Call
    effective_at: datetime
    booked_at: datetime
    revision: int
    member_id: UUID | None = None
    order_id: UUID | None = None
    reverses: UUID | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it is kept: its natural key is unique for ever."""

    id: UUID
    natural_key: str
    order: Order
    member_id: UUID | None
    parked_for: Identity | None
    paid_with_points: int


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
    """``amount`` > 0 taken from a shared counter, which may never hold more than ``cap``."""

    counter: str
    amount: int
    cap: int


@dataclass(frozen=True, slots=True)
class MemberWrite:
    """The guard and the member's row after it: written only if the version is still the expected one."""

    expected_version: int
    after: MemberState


@dataclass(frozen=True, slots=True)
class Changes:
    """All rows of one operation. ``facts`` and ``reasons`` explain it later; ``answer`` is what the caller gets."""

    operation: Operation
    answer: Mapping[str, Any]
    facts: Mapping[str, Any]
    reasons: tuple[Reason, ...] = ()
    member: MemberWrite | None = None
    entries: Entries | None = None
    order: OrderRow | None = None
    claimed_order_id: UUID | None = None
    activity: ActivityRow | None = None
    takes: tuple[Take, ...] = ()
    identities_added: tuple[Identity, ...] = ()
    identities_removed: tuple[Identity, ...] = ()
    profile: Profile | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request becomes an operation as soon as its changes are recorded."""

    changes: Changes


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


Decision = Accepted | Refused | Repeated
