"""Redemptions and adjustments: points spent outside an order, taken back, or corrected by hand."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.pagination import Page, PageQuery, QueryText
from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import (
    Answer,
    BalanceAnswer,
    Body,
    Code,
    MemberField,
    OperationHead,
    Points,
    ReasonCode,
)
from loyalty_engine.core.engine.requests import Call, HoldPoints, Redeem
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.points import PostingRecord
from loyalty_engine.persistence.reading.redemptions import RedemptionRecord

RedemptionStatus = Literal["active", "cancelled", "held", "captured", "voided", "expired"]

_HOLD_SECONDS: Final = 900
_LONGEST_HOLD_SECONDS: Final = 30 * 24 * 60 * 60


class RedemptionBody(Body):
    """Points to spend."""

    member: MemberField
    wallet: Code = Field(description="The wallet to spend from.", examples=["points"])
    points: Points = Field(description="How many points.", examples=[200])
    hold: bool = Field(
        default=False,
        description="Only set them aside, to be captured or voided later; after a while they come back by themselves.",
        examples=[True],
    )
    ttl_seconds: Annotated[int, Field(ge=1, le=_LONGEST_HOLD_SECONDS)] | None = Field(
        default=None,
        description="With hold: after how long they come back. 15 minutes by default, 30 days at most.",
        examples=[900],
    )

    @model_validator(mode="after")
    def _check_hold(self) -> Self:
        if self.ttl_seconds is not None and not self.hold:
            raise PydanticCustomError("ttl_seconds", "ttl_seconds goes with hold")
        return self

    def as_request(self, call: Call) -> Redeem | HoldPoints:
        """Return the core's request."""
        if not self.hold:
            return Redeem(call, self.member, self.wallet, self.points)
        ttl = timedelta(seconds=self.ttl_seconds or _HOLD_SECONDS)
        return HoldPoints(call, self.member, self.wallet, self.points, ttl)


class CancelBody(Body):
    """Why a redemption is taken back."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["changed_mind"])


class AdjustmentBody(Body):
    """A correction."""

    member: MemberField
    wallet: Code = Field(description="The wallet to correct.", examples=["points"])
    points: Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)] = Field(
        description="Points to add, or to take when negative; not 0.",
        examples=[-50],
        json_schema_extra={"not": {"const": 0}},
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["goodwill"])
    note: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, description="Free text for colleagues; kept as personal data.", examples=["Called about order 12"]
    )
    if_short: Literal["refuse", "debt"] = Field(
        default="refuse",
        description="When more is taken than there is: refuse, or let the rest be owed and paid by later earnings.",
        examples=["refuse"],
    )


class RedemptionAnswer(MovesReferral, OperationHead):
    """A redemption."""

    id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points spent.", examples=[200])
    amount: int = Field(description="What they were worth in minor units.", examples=[200])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]],
    )


class CancelAnswer(MovesReferral, OperationHead):
    """A redemption taken back."""

    redemption_id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points_restored: int = Field(description="Points that came back to their lots.", examples=[200])
    reason: str = Field(description="The reason code given.", examples=["changed_mind"])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 216, "pending": 0, "held": 0, "debt": 0}]],
    )


class AdjustmentAnswer(MovesReferral, OperationHead):
    """A correction."""

    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points added, or taken when negative.", examples=[-50])
    reason: str = Field(description="The reason code given.", examples=["goodwill"])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 166, "pending": 0, "held": 0, "debt": 0}]],
    )


class BalancesAnswer(Answer):
    """All balances of a member."""

    member_id: str = Field(description="The member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    balances: list[BalanceAnswer] = Field(
        description="By wallet; a wallet that was never used is left out.",
        examples=[[{"wallet": "points", "available": 120, "pending": 0, "held": 0, "debt": 0}]],
    )


class PostingsQuery(PageQuery):
    """Which postings are wanted."""

    wallet: QueryText | None = Field(default=None, description="Only this wallet's.", examples=["points"])


class PostingAnswer(Answer):
    """One movement of the ledger."""

    id: str = Field(description="The posting.", examples=["pst_01m8054496erxvcc6weqy7k3j6"])
    seq: int = Field(description="Counts the member's postings from 1 without gaps.", examples=[12])
    operation_id: str = Field(description="Its operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    source: str = Field(description="The account that gave.", examples=["issued"])
    destination: str = Field(description="The account that received.", examples=["available"])
    amount: int = Field(description="Points moved, always positive.", examples=[16])
    lot_id: str | None = Field(
        description="The lot, where exactly one is meant.", examples=["lot_01m8054496erxvcc6weqy7k3j7"]
    )
    balance: BalanceAnswer = Field(
        description="The balance after it.",
        examples=[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}],
    )
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])

    @classmethod
    def of(cls, record: PostingRecord) -> Self:
        """Show a posting."""
        return cls(
            id=show_id("pst", record.id),
            seq=record.seq,
            operation_id=show_id("op", record.operation_id),
            wallet=record.wallet,
            source=record.source,
            destination=record.destination,
            amount=record.amount,
            lot_id=show_id("lot", record.lot_id) if record.lot_id else None,
            balance=BalanceAnswer.of(record.wallet, record.after),
            booked_at=show_instant(record.booked_at),
        )


class PostingsPage(Page[PostingAnswer]):
    """A member's postings, newest first."""


class LotUseAnswer(Answer):
    """What a redemption took out of one lot."""

    lot_id: str = Field(description="The lot.", examples=["lot_01m8054496erxvcc6weqy7k3j7"])
    points: int = Field(description="Points taken.", examples=[200])


class RedemptionRecordAnswer(Answer):
    """A redemption or a hold as it stands."""

    id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="Its operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    member_id: str = Field(description="Its member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    status: RedemptionStatus = Field(
        description="active or cancelled; a hold is held, captured, voided or expired.", examples=["active"]
    )
    cancelled_by: str | None = Field(
        description="The operation that took it back.", examples=["op_01m8054496erxvcc6weqy7k3j6"]
    )
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points spent, or set aside.", examples=[200])
    captured: int | None = Field(
        description="What was spent of a hold; null while it is open, and for a redemption.", examples=[None]
    )
    ended_by: str | None = Field(description="The operation that ended a hold.", examples=[None])
    expires_at: str | None = Field(description="From when a hold can no longer be captured.", examples=[None])
    amount: int | None = Field(
        description="What they were worth in minor units; null once it is no longer kept.", examples=[200]
    )
    lots: list[LotUseAnswer] = Field(
        description="Which lots paid.", examples=[[{"lot_id": "lot_01m8054496erxvcc6weqy7k3j7", "points": 200}]]
    )
    effective_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:00Z"])

    @classmethod
    def of(cls, record: RedemptionRecord, now: datetime) -> Self:
        """Show a redemption or a hold as it is at ``now``."""
        hold = record.hold
        return cls(
            id=show_id("red", record.id),
            operation_id=show_id("op", record.id),
            member_id=show_id("mem", record.member_id),
            status=_status(record, now),
            cancelled_by=show_id("op", record.cancelled_by) if record.cancelled_by else None,
            wallet=record.wallet,
            points=record.points,
            captured=hold.captured if hold and hold.ended_by else None,
            ended_by=show_id("op", hold.ended_by) if hold and hold.ended_by else None,
            expires_at=show_instant(hold.expires_at) if hold else None,
            amount=record.amount,
            lots=[LotUseAnswer(lot_id=show_id("lot", lot_id), points=points) for lot_id, points in record.uses],
            effective_at=show_instant(record.effective_at),
            booked_at=show_instant(record.booked_at),
        )


def _status(record: RedemptionRecord, now: datetime) -> RedemptionStatus:
    hold = record.hold
    if hold is None:
        return "active" if record.cancelled_by is None else "cancelled"
    if hold.ended_by is None:
        return "held" if now < hold.expires_at else "expired"
    if hold.captured:
        return "captured"
    return "voided" if hold.ended_as == "void" else "expired"
