"""What can be asked about memberships: the shop reports payments, and tells who tries, who leaves, who gets money back."""

from dataclasses import dataclass
from datetime import datetime

from loyalty_engine.core.engine.requests import Call, MemberRef
from loyalty_engine.core.rules.order import payment_key


@dataclass(frozen=True, slots=True)
class PayMembership:
    """A member paid for a term of a plan. ``number`` is the shop's own id of the payment: it counts once under any key.

    ``paid_at`` None means now. ``replaces`` is a plan in which the member is and that ends with this.
    """

    call: Call
    member: MemberRef
    plan: str
    number: str
    amount: int
    currency: str
    paid_at: datetime | None = None
    replaces: str | None = None

    @property
    def natural_key(self) -> str:
        """The text under which the payment counts once, for ever."""
        return payment_key(self.number, self.call.actor.location)


@dataclass(frozen=True, slots=True)
class StartTrial:
    """A member tries a plan before it pays."""

    call: Call
    member: MemberRef
    plan: str


@dataclass(frozen=True, slots=True)
class CancelMembership:
    """A member leaves a plan: when what was paid for is over, or ``at_once``; None: as the plan says. A reason code says why."""

    call: Call
    member: MemberRef
    plan: str
    at_once: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """The payment of a member that was the last for a plan is given back, with the time that is left of it.

    How much is as the plan says; all of it if ``in_full``: it bounced, or was reported by mistake.
    """

    call: Call
    member: MemberRef
    plan: str
    number: str
    in_full: bool
    reason: str


MembershipRequest = PayMembership | StartTrial | CancelMembership | RefundPayment
