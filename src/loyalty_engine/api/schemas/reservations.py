"""Reservations: a cart whose price is promised for a while, and how that ends."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import (
    BalanceAnswer,
    Body,
    InstantField,
    OperationHead,
    ReasonCode,
    ReservationIdField,
    Text,
)
from loyalty_engine.api.schemas.lines import ReceiptBody
from loyalty_engine.api.schemas.orders import BasketBody, SoldOrder
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.rules.order import OrderReference, ShopOrder
from loyalty_engine.persistence.reading.reservations import ReservationRecord

_SECONDS: Final = 900
_FEWEST_SECONDS: Final = 10
_MOST_SECONDS: Final = 24 * 60 * 60
_RES = "res_01m8054496erxvcc6weqy7k3j5"
_BALANCES = [{"wallet": "points", "available": 16, "pending": 0, "held": 200, "debt": 0}]


class ReservationBody(BasketBody):
    """A cart that is about to be paid. It gets its number when it is confirmed."""

    placed_at: InstantField | None = Field(
        default=None, description="When it is bought; now by default.", examples=["2026-11-21T10:15:00+01:00"]
    )
    ttl_seconds: Annotated[int, Field(ge=_FEWEST_SECONDS, le=_MOST_SECONDS)] = Field(
        default=_SECONDS,
        description="How long to hold it, at least; `until` in the answer is at most ten seconds later.",
        examples=[900],
    )
    replaces: ReservationIdField | None = Field(
        default=None,
        description="An earlier reservation of the same cart, which ends with that: what it holds is free for this one.",
        examples=[_RES],
    )

    @property
    def ttl(self) -> timedelta:
        """How long to hold it."""
        return timedelta(seconds=self.ttl_seconds)


class ConfirmBody(Body):
    """The number of the order that a reservation becomes: exactly one of ``order_id`` and ``receipt``."""

    order_id: Text | None = Field(default=None, description="The shop's own order id.", examples=["W-10001"])
    receipt: ReceiptBody | None = Field(
        default=None,
        description="The till's receipt.",
        examples=[{"location": "berlin-1", "till": "3", "business_date": "2026-11-21", "number": "000123"}],
    )

    @model_validator(mode="after")
    def _check_reference(self) -> Self:
        if (self.order_id is None) == (self.receipt is None):
            raise PydanticCustomError("reference", "must have exactly one of order_id and receipt")
        return self

    def as_reference(self) -> OrderReference:
        """Return the number as the core knows it."""
        return self.receipt.as_reference() if self.receipt is not None else ShopOrder(self.order_id or "")


class ReleaseBody(Body):
    """Why a reservation is let go."""

    reason: ReasonCode | None = Field(
        default=None, description="A reason code of your own.", examples=["payment_failed"]
    )


class ReservationAnswer(SoldOrder, OperationHead):
    """A cart whose price, points and earnings are promised until a moment. What it takes is held until then."""

    id: str = Field(description="The reservation.", examples=[_RES])
    status: Literal["reserved"] = Field(description="Always reserved.", examples=["reserved"])
    until: str = Field(description="From when it can no longer be confirmed.", examples=["2026-11-21T10:30:10Z"])
    balances: list[BalanceAnswer] = Field(
        description="The member's balances, with what is held; nothing is earned yet.", examples=[_BALANCES]
    )


class ReleaseAnswer(MovesReferral, OperationHead):
    """A reservation that holds nothing any more."""

    reservation_id: str = Field(description="The reservation.", examples=[_RES])
    status: Literal["released"] = Field(description="Always released.", examples=["released"])
    reason: str | None = Field(description="The reason code, if any was given.", examples=["payment_failed"])
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])


class ReservationRecordAnswer(SoldOrder, OperationHead):
    """A reservation and what became of it."""

    id: str = Field(description="The reservation.", examples=[_RES])
    state: Literal["open", "confirmed", "released", "replaced", "expired"] = Field(
        description="What became of it by the program's clock.", examples=["confirmed"]
    )
    until: str = Field(description="From when it could no longer be confirmed.", examples=["2026-11-21T10:30:10Z"])
    ended_by: str | None = Field(
        description="The operation that ended it; null while it is open, or when it ran out.",
        examples=["op_01m8054496erxvcc6weqy7k3k9"],
    )
    order_id: str | None = Field(
        description="The order that it was confirmed to.", examples=["ord_01m8054496erxvcc6weqy7k3k9"]
    )

    @classmethod
    def of(cls, record: ReservationRecord, now: datetime) -> Self:
        """Show a reservation as it stands at ``now``."""
        ended = record.ended_by
        return cls.model_validate(
            {
                "id": show_id("res", record.id),
                "operation_id": show_id("op", record.id),
                "member_id": show_id("mem", record.member_id) if record.member_id else None,
                "revision": record.revision,
                "effective_at": show_instant(record.effective_at),
                "booked_at": show_instant(record.booked_at),
                **record.shown,
                "state": record.how or ("expired" if record.until <= now else "open"),
                "until": show_instant(record.until),
                "ended_by": show_id("op", ended) if ended else None,
                "order_id": show_id("ord", ended) if ended and record.how == "confirmed" else None,
            }
        )
