"""Activities: what a shop reports beside orders, and what it gets back."""

from typing import Any, Self

from pydantic import Field

from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import (
    Answer,
    Attributes,
    BalanceAnswer,
    Body,
    Code,
    InstantField,
    MemberField,
    OperationHead,
    Text,
)
from loyalty_engine.api.schemas.memberships import MembershipAnswer
from loyalty_engine.api.schemas.orders import Effect
from loyalty_engine.api.schemas.tier_moves import TierMoves
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.activities import ActivityRecord


class ActivityBody(Body):
    """Something a member did that is no purchase, of a kind that the program declares."""

    member: MemberField
    kind: Code = Field(description="The kind, by its key in the program.", examples=["survey_answered"])
    occurred_at: InstantField = Field(description="When it happened.", examples=["2026-11-21T10:15:00+01:00"])
    subject: Text | None = Field(
        default=None,
        description="What it was about; kinds that count once per subject need it.",
        examples=["satisfaction-2026"],
    )
    location: Code | None = Field(
        default=None, description="The store; that of the API key by default.", examples=["berlin-1"]
    )
    attributes: Attributes = Field(default_factory=dict, description="Declared attributes.", examples=[{"score": 9}])


class ActivityAnswer(MovesReferral, OperationHead):
    """An accepted activity."""

    id: str = Field(description="The activity.", examples=["act_01m8054496erxvcc6weqy7k3j5"])
    kind: str = Field(description="Its kind.", examples=["survey_answered"])
    subject: str | None = Field(description="What it was about.", examples=["satisfaction-2026"])
    effects: list[Effect] = Field(
        description="What it earned.",
        examples=[[{"type": "grant_points", "wallet": "points", "points": 20, "rule": "survey"}]],
    )
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 36, "pending": 0, "held": 0, "debt": 0}]],
    )
    tiers: TierMoves = None
    membership: MembershipAnswer | None = Field(
        default=None,
        description="What the member has of the plan for which the activity reports a payment; left out otherwise.",
        examples=[None],
    )


class ActivityRecordAnswer(Answer):
    """An activity as it was reported. What it earned stands with its operation."""

    id: str = Field(description="The activity.", examples=["act_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="The operation that accepted it.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    member_id: str = Field(description="Its member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    kind: str = Field(description="Its kind.", examples=["survey_answered"])
    subject: str | None = Field(description="What it was about.", examples=["satisfaction-2026"])
    location: str | None = Field(description="The store.", examples=["berlin-1"])
    attributes: dict[str, Any] = Field(description="Declared attributes.", examples=[{"score": 9}])
    occurred_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])

    @classmethod
    def of(cls, record: ActivityRecord) -> Self:
        """Show an activity."""
        return cls(
            id=show_id("act", record.id),
            operation_id=show_id("op", record.id),
            member_id=show_id("mem", record.member_id),
            kind=record.kind,
            subject=record.subject,
            location=record.location,
            attributes=dict(record.attributes),
            occurred_at=show_instant(record.occurred_at),
            booked_at=show_instant(record.booked_at),
        )
