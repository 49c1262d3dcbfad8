"""Rows of imported files: the same strict forms as those of request bodies."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.schemas.code_pool_bodies import CodeField
from loyalty_engine.api.schemas.fields import Body, Code, InstantField, MemberField, Points, Text
from loyalty_engine.api.schemas.members import EnrolmentBody
from loyalty_engine.api.schemas.orders import OrderBody
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.points.opening import OpeningLot


class OpeningLotBody(Body):
    """Points that a member brings along, as they were kept before."""

    wallet: Code = Field(description="Key of the wallet.", examples=["points"])
    points: Points = Field(description="How many points, or minor units.", examples=[120])
    earned_at: InstantField | None = Field(
        default=None, description="When they were earned; now by default.", examples=["2026-01-15T09:00:00Z"]
    )
    expires_at: InstantField | None = Field(
        default=None, description="When they expire; as the wallet says by default.", examples=["2027-01-15T09:00:00Z"]
    )
    cost_micros: Annotated[int, Field(ge=0, le=MAX_AMOUNT)] | None = Field(
        default=None,
        description="What one costs in millionths of a minor unit; as the wallet says by default.",
        examples=[800000],
    )
    funder: Code | None = Field(default=None, description="Who bears their cost.", examples=["program"])

    def as_lot(self) -> OpeningLot:
        """Return the core's lot."""
        return OpeningLot(self.wallet, self.points, self.earned_at, self.expires_at, self.cost_micros, self.funder)


class MemberRowBody(EnrolmentBody):
    """A member to enrol, with the points that it brings along. It is known by its first identity."""

    enrolled_at: InstantField | None = Field(
        default=None, description="When it was enrolled; now by default.", examples=["2019-05-31T10:00:00Z"]
    )
    lots: Annotated[list[OpeningLotBody], Field(max_length=100)] = Field(
        default_factory=list, description="What it brings along.", examples=[[{"wallet": "points", "points": 120}]]
    )


class CodeRowBody(Body):
    """A promo code or a voucher that came from elsewhere."""

    code: CodeField = Field(description="The code, as people shall read it.", examples=["CINE-7K2M-99QX"])


class LotRowBody(OpeningLotBody):
    """Points that a member brings along, in a row of their own."""

    member: MemberField
    reference: Text = Field(
        description="What tells these points from others of the member in that wallet; they are taken over once.",
        examples=["old-4711"],
    )


class OrderRowBody(OrderBody):
    """A past order. Its points were spent where it was placed, so none can pay it, and nothing comes back with it; nor
    does anything come off for promo codes.
    """

    @model_validator(mode="after")
    def _check_past(self) -> Self:
        if self.pay_with_points is not None or self.returns is not None:
            raise PydanticCustomError("past_order", "must have neither pay_with_points nor returns in a past order")
        if self.codes or self.guest is not None:
            raise PydanticCustomError("past_order", "must have neither codes nor guest in a past order")
        return self
