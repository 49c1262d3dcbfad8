"""Redemptions and adjustments: points spent outside an order, taken back, or corrected by hand."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from loyalty_engine.api.pagination import Page, PageQuery, QueryText
from loyalty_engine.api.schemas.fields import Answer, BalanceAnswer, Body, Code, MemberField, OperationHead, Points
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.points import LotRecord, PostingRecord, RedemptionRecord

ReasonCode = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,62}$")]


class RedemptionBody(Body):
    """Points to spend."""

    member: MemberField
    wallet: Code = Field(description="The wallet to spend from.", examples=["points"])
    points: Points = Field(description="How many points.", examples=[200])


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


class RedemptionAnswer(OperationHead):
    """A redemption."""

    id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points spent.", examples=[200])
    amount: int = Field(description="What they were worth in minor units.", examples=[200])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]],
    )


class CancelAnswer(OperationHead):
    """A redemption taken back."""

    redemption_id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points_restored: int = Field(description="Points that came back to their lots.", examples=[200])
    reason: str = Field(description="The reason code given.", examples=["changed_mind"])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 216, "pending": 0, "held": 0, "debt": 0}]],
    )


class AdjustmentAnswer(OperationHead):
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


class LotsQuery(PageQuery):
    """Which lots are wanted."""

    all: bool = Field(default=False, description="Also those that are spent.", examples=[True])


class LotAnswer(Answer):
    """Points earned together."""

    id: str = Field(description="The lot.", examples=["lot_01m8054496erxvcc6weqy7k3j7"])
    operation_id: str = Field(description="The operation that earned them.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    amount: int = Field(description="Points earned.", examples=[16])
    remaining: int = Field(description="Points left.", examples=[16])
    funder: str = Field(description="Who bears their cost.", examples=["program"])
    earned_at: str = Field(description="When they were earned.", examples=["2026-11-21T10:15:00Z"])
    available_at: str = Field(description="From when they can be spent.", examples=["2026-11-21T10:15:00Z"])
    expires_at: str | None = Field(
        description="From when they can no longer be spent; null is never.", examples=["2027-11-21T10:15:00Z"]
    )

    @classmethod
    def of(cls, record: LotRecord) -> Self:
        """Show a lot."""
        return cls(
            id=show_id("lot", record.id),
            operation_id=show_id("op", record.operation_id),
            wallet=record.wallet,
            amount=record.amount,
            remaining=record.remaining,
            funder=record.funder,
            earned_at=show_instant(record.earned_at),
            available_at=show_instant(record.available_at),
            expires_at=show_instant(record.expires_at) if record.expires_at else None,
        )


class LotsPage(Page[LotAnswer]):
    """A member's lots, newest first."""


class LotUseAnswer(Answer):
    """What a redemption took out of one lot."""

    lot_id: str = Field(description="The lot.", examples=["lot_01m8054496erxvcc6weqy7k3j7"])
    points: int = Field(description="Points taken.", examples=[200])


class RedemptionRecordAnswer(Answer):
    """A redemption as it stands."""

    id: str = Field(description="The redemption.", examples=["red_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="Its operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    member_id: str = Field(description="Its member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    status: Literal["active", "cancelled"] = Field(description="Whether it was taken back.", examples=["active"])
    cancelled_by: str | None = Field(
        description="The operation that took it back.", examples=["op_01m8054496erxvcc6weqy7k3j6"]
    )
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points spent.", examples=[200])
    amount: int | None = Field(
        description="What they were worth in minor units; null once it is no longer kept.", examples=[200]
    )
    lots: list[LotUseAnswer] = Field(
        description="Which lots paid.", examples=[[{"lot_id": "lot_01m8054496erxvcc6weqy7k3j7", "points": 200}]]
    )
    effective_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:00Z"])

    @classmethod
    def of(cls, record: RedemptionRecord) -> Self:
        """Show a redemption."""
        return cls(
            id=show_id("red", record.id),
            operation_id=show_id("op", record.id),
            member_id=show_id("mem", record.member_id),
            status="active" if record.cancelled_by is None else "cancelled",
            cancelled_by=show_id("op", record.cancelled_by) if record.cancelled_by else None,
            wallet=record.wallet,
            points=record.points,
            amount=record.amount,
            lots=[LotUseAnswer(lot_id=show_id("lot", lot_id), points=points) for lot_id, points in record.uses],
            effective_at=show_instant(record.effective_at),
            booked_at=show_instant(record.booked_at),
        )
