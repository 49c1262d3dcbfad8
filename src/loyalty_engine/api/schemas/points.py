"""Redemptions and adjustments: points spent outside an order, taken back, or corrected by hand."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from loyalty_engine.api.schemas.fields import BalanceAnswer, Body, Code, MemberField, OperationHead, Points
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT

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
        description="Points to add, or to take when negative; not 0.", examples=[-50], json_schema_extra={"not": {"const": 0}}
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


