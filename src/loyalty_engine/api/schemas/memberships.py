"""Memberships: what members pay for, have, leave, and get back."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer, Body, Code, InstantField, OperationHead, ReasonCode
from loyalty_engine.api.schemas.tier_moves import TierMoves
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.membership_answers import show_memberships
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant

_MEMBERSHIP = {
    "plan": "club",
    "state": "active",
    "since": "2026-11-22T10:15:00Z",
    "paid_until": "2027-11-22T10:15:00Z",
    "ends_at": "2027-12-06T10:15:00Z",
    "cancelled_at": None,
}
_REFUND = {"currency": "EUR", "amount": 0, "payments": []}


class MembershipAnswer(Answer):
    """What a member has of a plan."""

    plan: str = Field(description="Key of the plan.", examples=["club"])
    state: Literal["trial", "active", "in_grace", "lapsed", "cancelled"] = Field(
        description="On trial, paid for, not renewed but still in grace, or over: nobody renewed it, or it was cancelled. The "
        "first three give what the plan gives.",
        examples=["active"],
    )
    since: str = Field(description="Since when it has gone on without a gap.", examples=["2026-11-22T10:15:00Z"])
    paid_until: str = Field(description="Until when it is paid for, or tried.", examples=["2027-11-22T10:15:00Z"])
    ends_at: str = Field(
        description="When it ends, or ended, unless somebody pays before: with grace, if it has any.",
        examples=["2027-12-06T10:15:00Z"],
    )
    cancelled_at: str | None = Field(description="When it was cancelled; null: it was not.", examples=[None])


class PaymentRefundAnswer(Answer):
    """What is given back of one payment."""

    payment: str = Field(description="The payment, as the shop calls it.", examples=["pay-2026-4711"])
    amount: int = Field(description="Minor units.", examples=[2_000])


class RefundAnswer(Answer):
    """How much money the shop has to give back; the engine moves none."""

    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    amount: int = Field(description="Minor units in all; 0: nothing.", examples=[2_000])
    payments: list[PaymentRefundAnswer] = Field(
        description="Of which payments.", examples=[[{"payment": "pay-2026-4711", "amount": 2_000}]]
    )


class MembershipPaymentBody(Body):
    """A payment that the shop took for one term of a plan."""

    payment: Code = Field(
        description="The shop's own id of the payment. It counts once, whatever the key, the member and the plan.",
        examples=["pay-2026-4711"],
    )
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT)] = Field(
        description="What was paid, in minor units: the price of the plan.", examples=[4_900]
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(description="ISO 4217 code.", examples=["EUR"])
    paid_at: InstantField | None = Field(
        default=None, description="When it was paid; now by default.", examples=["2026-11-22T10:15:00Z"]
    )
    replaces: Code | None = Field(
        default=None, description="Plan in which the member is and that ends at once with this.", examples=["basic"]
    )


class MembershipCancelBody(Body):
    """A member leaves a plan."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["moved_away"])
    at_once: bool | None = Field(
        default=None,
        description="Whether it ends now, or when what was paid for is over; by default as the plan says.",
        examples=[False],
    )


class MembershipRefundBody(Body):
    """A payment is given back, with the time that is left of it."""

    payment: Code = Field(
        description="The last payment for this plan, as the shop calls it.", examples=["pay-2026-4711"]
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["complaint"])
    in_full: bool = Field(
        default=False,
        description="All of it, whatever the plan says: it bounced, or was reported by mistake.",
        examples=[False],
    )


class MembershipPaymentAnswer(OperationHead):
    """A payment that counts."""

    payment: str = Field(description="The payment, as the shop calls it.", examples=["pay-2026-4711"])
    amount: int = Field(description="What was paid.", examples=[4_900])
    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    membership: MembershipAnswer = Field(description="What the member has now.", examples=[_MEMBERSHIP])
    replaced: MembershipAnswer | None = Field(description="The plan that ended with it.", examples=[None])
    refund: RefundAnswer = Field(description="What has to be given back of that.", examples=[_REFUND])
    tiers: TierMoves = None


class TrialAnswer(OperationHead):
    """A trial that began."""

    membership: MembershipAnswer = Field(
        description="What the member has now.", examples=[{**_MEMBERSHIP, "state": "trial"}]
    )
    tiers: TierMoves = None


class MembershipEndAnswer(OperationHead):
    """A membership that was cancelled, or a payment that was given back."""

    membership: MembershipAnswer = Field(description="What the member has now.", examples=[_MEMBERSHIP])
    refund: RefundAnswer = Field(description="What has to be given back.", examples=[_REFUND])
    reason: str = Field(description="The reason code given.", examples=["moved_away"])
    tiers: TierMoves = None


class PaidTermAnswer(Answer):
    """A payment, and the time it paid for."""

    payment: str = Field(description="The payment, as the shop calls it.", examples=["pay-2026-4711"])
    amount: int = Field(description="Minor units.", examples=[4_900])
    paid_at: str = Field(description="When it was paid.", examples=["2026-11-22T10:15:00Z"])
    since: str = Field(description="From when on it pays.", examples=["2026-11-22T10:15:00Z"])
    until: str = Field(description="Until when.", examples=["2027-11-22T10:15:00Z"])


class MemberPlanAnswer(MembershipAnswer):
    """A plan that a member has, or had."""

    payments: list[PaidTermAnswer] = Field(
        description="The payments whose time was not over when the last one came, and the last one.",
        examples=[
            [
                {
                    "payment": "pay-2026-4711",
                    "amount": 4_900,
                    "paid_at": "2026-11-22T10:15:00Z",
                    "since": "2026-11-22T10:15:00Z",
                    "until": "2027-11-22T10:15:00Z",
                }
            ]
        ],
    )
    refund: RefundAnswer = Field(description="What would have to be given back if it ended now.", examples=[_REFUND])
    entitlements: list[str] = Field(description="What it entitles to now.", examples=[["free_delivery"]])


class MemberPlansAnswer(Answer):
    """What a member has of plans."""

    member_id: str = Field(description="The member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    at: str = Field(description="As of when, by the program's clock.", examples=["2026-11-22T10:15:00Z"])
    plans: list[MemberPlanAnswer] = Field(
        description="By key; plans that it never had are left out.",
        examples=[[{**_MEMBERSHIP, "payments": [], "refund": _REFUND, "entitlements": ["free_delivery"]}]],
    )

    @classmethod
    def of(cls, ruleset: Ruleset, member: MemberState, now: datetime) -> Self:
        """Show what a member has of whom everything due was settled ``now``."""
        plans = [MemberPlanAnswer.model_validate(one) for one in show_memberships(ruleset, member, now)]
        return cls(member_id=show_id("mem", member.id), at=show_instant(now), plans=plans)
