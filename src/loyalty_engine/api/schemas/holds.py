"""Holds: points set aside for a while, and how that ends."""

from typing import Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page
from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import Answer, BalanceAnswer, Body, OperationHead, Points, ReasonCode
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.redemptions import HoldRecord

_RED = "red_01m8054496erxvcc6weqy7k3j5"


class CaptureBody(Body):
    """How much of a hold is spent."""

    points: Points | None = Field(
        default=None, description="Points to spend, the rest goes back; all of them by default.", examples=[150]
    )


class VoidBody(Body):
    """Why a hold ends without anything being spent."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["checkout_abandoned"])


class HoldAnswer(MovesReferral, OperationHead):
    """Points set aside. Until then they are captured or voided; then they come back by themselves."""

    id: str = Field(description="The hold, a redemption that is not final.", examples=[_RED])
    status: Literal["held"] = Field(description="Always held.", examples=["held"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points set aside.", examples=[200])
    amount: int = Field(description="What they are worth in minor units.", examples=[200])
    expires_at: str = Field(description="From when they can no longer be captured.", examples=["2026-11-21T10:30:00Z"])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 200, "debt": 0}]],
    )


class HoldEndAnswer(MovesReferral, OperationHead):
    """A hold that was captured or voided."""

    redemption_id: str = Field(description="The hold.", examples=[_RED])
    status: Literal["captured", "voided"] = Field(description="How it ended.", examples=["captured"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points that were set aside.", examples=[200])
    captured: int = Field(description="Points that were spent.", examples=[150])
    released: int = Field(description="Points that went back to their lots.", examples=[50])
    amount: int = Field(description="What the spent points were worth in minor units.", examples=[150])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 66, "pending": 0, "held": 0, "debt": 0}]],
    )
    reason: str | None = Field(
        description="The reason code given with a void; null for a capture.", examples=["checkout_abandoned"]
    )


class HoldRecordAnswer(Answer):
    """A hold that has not ended."""

    id: str = Field(description="The hold, a redemption that is not final.", examples=[_RED])
    operation_id: str = Field(description="The operation that made it.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points set aside.", examples=[200])
    expires_at: str = Field(description="From when they can no longer be captured.", examples=["2026-11-21T10:30:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:00Z"])

    @classmethod
    def of(cls, record: HoldRecord) -> Self:
        """Show a hold."""
        return cls(
            id=show_id("red", record.id),
            operation_id=show_id("op", record.id),
            wallet=record.wallet,
            points=record.points,
            expires_at=show_instant(record.expires_at),
            booked_at=show_instant(record.booked_at),
        )


class HoldsPage(Page[HoldRecordAnswer]):
    """A member's open holds, newest first."""
