"""Lots as they are shown: points earned together, and when they expire."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery, QueryText
from loyalty_engine.api.schemas.fields import Answer, InstantField
from loyalty_engine.application.list_expirations import Expiration
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.lots import LotRecord

LotStatus = Literal["pending", "available", "expired", "empty"]


class LotsQuery(PageQuery):
    """Which lots are wanted."""

    all: bool = Field(default=False, description="Also those that hold nothing any more.", examples=[True])


class LotAnswer(Answer):
    """Points earned together."""

    id: str = Field(description="The lot.", examples=["lot_01m8054496erxvcc6weqy7k3j7"])
    operation_id: str = Field(description="The operation that earned them.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    status: LotStatus = Field(
        description="pending: cannot be spent yet; available; expired: what was left of it was too old; empty: all of it "
        "is spent, held or taken.",
        examples=["available"],
    )
    amount: int = Field(description="Points earned.", examples=[16])
    remaining: int = Field(description="Points left.", examples=[16])
    expired: int = Field(description="Points that were too old.", examples=[0])
    funder: str = Field(description="Who bears their cost.", examples=["program"])
    earned_at: str = Field(description="When they were earned.", examples=["2026-11-21T10:15:00Z"])
    available_at: str | None = Field(
        description="From when they can be spent; null while they wait to be confirmed.",
        examples=["2026-11-21T10:15:00Z"],
    )
    expires_at: str | None = Field(
        description="From when they can no longer be spent; null is never.", examples=["2027-11-21T10:15:00Z"]
    )
    slides: bool = Field(
        description="Whether the expiry moves on whenever the member earns or spends in the wallet.", examples=[False]
    )

    @classmethod
    def of(cls, record: LotRecord, now: datetime) -> Self:
        """Show a lot as it is at ``now``. Points that wait begin to slide when they no longer do."""
        status = _status(record, now)
        expires_at = record.expires_at or (None if status == "pending" else record.slides_to)
        return cls(
            id=show_id("lot", record.id),
            operation_id=show_id("op", record.operation_id),
            wallet=record.wallet,
            status=status,
            amount=record.amount,
            remaining=record.remaining,
            expired=record.expired,
            funder=record.funder,
            earned_at=show_instant(record.earned_at),
            available_at=show_instant(record.available_at) if record.available_at else None,
            expires_at=show_instant(expires_at) if expires_at else None,
            slides=record.slides_to is not None,
        )


def _status(record: LotRecord, now: datetime) -> LotStatus:
    if not record.remaining:
        return "expired" if record.expired else "empty"
    return "pending" if record.available_at is None or now < record.available_at else "available"


class LotsPage(Page[LotAnswer]):
    """A member's lots, newest first."""


class ExpirationsQuery(PageQuery):
    """Which expirations are wanted."""

    wallet: QueryText | None = Field(default=None, description="Only this wallet's.", examples=["points"])
    until: InstantField | None = Field(
        default=None, description="Only what expires up to then.", examples=["2026-12-31T23:00:00Z"]
    )


class ExpiringPoints(Answer):
    """Points of one wallet that expire."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="How many, if none of them is spent before.", examples=[120])
    pending: int = Field(description="How many of them cannot be spent yet.", examples=[0])
    slides: bool = Field(
        description="Whether the moment moves on whenever the member earns or spends in the wallet.", examples=[False]
    )


class ExpirationAnswer(Answer):
    """A moment at which points expire."""

    expires_at: str = Field(description="When: at it they can no longer be spent.", examples=["2026-12-31T23:00:00Z"])
    wallets: list[ExpiringPoints] = Field(
        description="What expires then, by wallet.",
        examples=[[{"wallet": "points", "points": 120, "pending": 0, "slides": False}]],
    )

    @classmethod
    def of(cls, expiration: Expiration) -> Self:
        """Show an expiration."""
        return cls(
            expires_at=show_instant(expiration.expires_at),
            wallets=[
                ExpiringPoints(wallet=part.wallet, points=part.points, pending=part.pending, slides=part.slides)
                for part in expiration.parts
            ],
        )


class ExpirationsPage(Page[ExpirationAnswer]):
    """When a member's points expire, next ones first."""

    items: list[ExpirationAnswer] = Field(description="The moments, next ones first.", examples=[[]])
