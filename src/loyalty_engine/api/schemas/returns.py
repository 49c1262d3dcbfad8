"""Returns: goods that come back, what a shop or till sends, and the full quote of money and points that it gets."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import (
    Answer,
    BalanceAnswer,
    Body,
    Code,
    DayField,
    InstantField,
    OperationHead,
    OrderIdField,
    ReasonCode,
    Text,
)
from loyalty_engine.api.schemas.goods import GoodsBody, OrderRefBody
from loyalty_engine.api.schemas.tier_moves import TierMoves
from loyalty_engine.core.engine.requests import Call, OrderRef, ReturnGoods
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.rules.order import OrderReference, Receipt, ShopOrder
from loyalty_engine.persistence.reading.returns import ReturnRecord, ReturnStatus

_BALANCES = [{"wallet": "points", "available": 104, "pending": 0, "held": 0, "debt": 0}]


class ReturnReceiptBody(Body):
    """A till's receipt of a return: accepted once under these five parts, whatever the idempotency key."""

    location: Code = Field(description="The store that takes the goods back.", examples=["berlin-2"])
    till: Code = Field(description="The till in the store.", examples=["1"])
    business_date: DayField = Field(description="The business date as the till has it.", examples=["2026-11-24"])
    number: Code = Field(description="The receipt's number as printed; leading zeros matter.", examples=["000207"])
    type: Literal["return"] = Field(default="return", description="What kind of receipt it is.", examples=["return"])

    def as_reference(self) -> Receipt:
        """Return the number under which the core knows it."""
        return Receipt(self.location, self.till, self.business_date, self.number, self.type)


class ReturnBody(GoodsBody):
    """Goods of an order that came back, at any store. Under its own number a return is accepted once."""

    return_id: Text | None = Field(default=None, description="The shop's own id of the return.", examples=["R-2001"])
    receipt: ReturnReceiptBody | None = Field(
        default=None,
        description="The till's receipt of the return.",
        examples=[{"location": "berlin-2", "till": "1", "business_date": "2026-11-24", "number": "000207"}],
    )
    returned_at: InstantField | None = Field(
        default=None, description="When they came back; now by default.", examples=["2026-11-24T16:20:00+01:00"]
    )
    location: Code | None = Field(
        default=None,
        description="The store that takes them back; a receipt has its own, and that of the API key is the default.",
        examples=["berlin-2"],
    )
    reason: ReasonCode | None = Field(default=None, description="A reason code of your own.", examples=["too_small"])

    @model_validator(mode="after")
    def _check_number(self) -> Self:
        if self.return_id is not None and self.receipt is not None:
            raise PydanticCustomError("reference", "must not have both return_id and receipt")
        return self

    def as_request(self, call: Call, order: OrderRef, *, location: str | None) -> ReturnGoods:
        """Return the core's request; ``location`` is where the API key is bound to, if the return does not say."""
        if self.receipt is not None:
            if self.location not in {None, self.receipt.location}:
                fault = Fault("/location", "location_mismatch", "is not the receipt's location")
                raise ProblemError("validation_failed", errors=[fault])
            location = self.receipt.location
        return ReturnGoods(
            call,
            order,
            self.as_goods(),
            self.returned_at,
            self._reference(),
            self.location or location,
            self.reason,
        )

    def _reference(self) -> OrderReference | None:
        if self.receipt is not None:
            return self.receipt.as_reference()
        return None if self.return_id is None else ShopOrder(self.return_id)


class NamedReturnBody(ReturnBody):
    """Goods that came back of an order that may not have arrived yet."""

    order: OrderRefBody = Field(description="The order that they are of.", examples=[{"order_id": "W-10001"}])


class CancelOrderBody(Body):
    """Why an order is void."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["not_paid"])


class WalletPoints(Answer):
    """Points of one wallet."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="How many.", examples=[16])


class ReturnedLine(Answer):
    """What came back of one line, and what it brought."""

    id: str = Field(description="The line within its order.", examples=["1"])
    quantity: str | None = Field(
        description="How much of it came back, as a decimal text; with waiting null is all that is left.",
        examples=["1"],
    )
    amount: int = Field(description="Its value in minor units.", examples=[1899])
    refund: int = Field(description="Money to pay back for it, in minor units.", examples=[1699])
    points_restored: int = Field(description="Points that had paid for it and came back.", examples=[200])
    taken: list[WalletPoints] = Field(
        description="Points that it had earned and that are taken back.",
        examples=[[{"wallet": "points", "points": 16}]],
    )


class RestoredPoints(Answer):
    """Points that had paid for the goods and came back."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="Points that came back.", examples=[200])
    amount: int = Field(description="What they had paid in minor units.", examples=[200])


class TakenPoints(Answer):
    """Points that the goods had earned and that are taken back; or that had come back, and pay again what is kept."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="By how much less is earned now.", examples=[16])
    owed: int = Field(description="What of it the balance did not cover and the member owes.", examples=[0])
    forgiven: int = Field(description="What of it the balance did not cover and nobody owes.", examples=[0])


class GoodsBack(MovesReferral, OperationHead):
    """What goods that came back mean: money to pay back, points that came back, points that are taken."""

    order_id: str | None = Field(
        description="The order; null while it is not known.", examples=["ord_01m8054496erxvcc6weqy7k3j5"]
    )
    lines: list[ReturnedLine] = Field(
        description="The same per line.",
        examples=[
            [
                {
                    "id": "1",
                    "quantity": "1",
                    "amount": 1899,
                    "refund": 1699,
                    "points_restored": 200,
                    "taken": [{"wallet": "points", "points": 16}],
                }
            ]
        ],
    )
    amount: int = Field(description="Value of goods that came back without lines, in minor units.", examples=[0])
    shipping: int = Field(description="Shipping that came back, in minor units.", examples=[0])
    value: int = Field(
        description="Value of all that came back, in minor units; less than 0 where what is kept lost more of its discount.",
        examples=[1899],
    )
    refund: int = Field(description="Money to pay back: the value less what points had paid.", examples=[1699])
    collect: int = Field(
        description="Money to collect, in minor units: without what came back the rest is to be paid dearer than the money "
        "that is left of the order. Only where discounts are recomputed.",
        examples=[0],
    )
    restored: RestoredPoints | None = Field(
        description="Points that came back to their lots.",
        examples=[{"wallet": "points", "points": 200, "amount": 200}],
    )
    repaid: RestoredPoints | None = Field(
        description="Points that had come back, and pay again for what is kept, where money is collected. What the balance "
        "does not cover is a debt.",
        examples=[None],
    )
    taken: list[TakenPoints] = Field(
        description="Points that are taken back, by wallet.",
        examples=[[{"wallet": "points", "points": 16, "owed": 0, "forgiven": 0}]],
    )
    left: int = Field(description="Value that can still come back, in minor units.", examples=[0])
    waits_until: str | None = Field(
        description="With waiting, until when the order may arrive.", examples=["2026-12-24T15:20:00Z"]
    )
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])
    reason: str | None = Field(description="The reason code given.", examples=["too_small"])
    tiers: TierMoves = None


class ReturnAnswer(GoodsBack):
    """A return: done, or waiting for its order."""

    id: str = Field(description="The return.", examples=["ret_01m8054496erxvcc6weqy7k3j5"])
    status: Literal["applied", "waiting"] = Field(
        description="Whether it was done, or waits because its order is not known yet.", examples=["applied"]
    )


class OrderCancelAnswer(GoodsBack):
    """An order that is void: all that was left of it came back."""

    status: Literal["cancelled"] = Field(description="Always cancelled.", examples=["cancelled"])


class ReturnsQuery(PageQuery):
    """Which returns are wanted: those of one order, or those that came before their order."""

    order: OrderIdField | None = Field(
        default=None, description="Those of this order.", examples=["ord_01m8054496erxvcc6weqy7k3j5"]
    )
    status: ReturnStatus | None = Field(
        default=None,
        description="Of those that came before their order only the ones that wait, were applied when it came, or were "
        "dropped because it did not come.",
        examples=["waiting"],
    )

    @model_validator(mode="after")
    def _check_filters(self) -> Self:
        if self.order is not None and self.status is not None:
            raise PydanticCustomError("filters", "order and status cannot be combined")
        return self


class ReturnRecordAnswer(Answer):
    """A return as it stands."""

    id: str = Field(description="The return.", examples=["ret_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="The operation that accepted it.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    status: ReturnStatus = Field(
        description="applied; waiting for its order; or dropped, because that never came.", examples=["waiting"]
    )
    order_id: str | None = Field(
        description="The order; null while it is not known.", examples=["ord_01m8054496erxvcc6weqy7k3j5"]
    )
    member_id: str | None = Field(
        description="Who had the order's points, if anybody.", examples=["mem_01m8054496erxvcc6weqy7k3j5"]
    )
    waits_for: dict[str, str] | None = Field(
        description="The number of the order that it came before.", examples=[{"order_id": "W-10001"}]
    )
    waits_until: str | None = Field(
        description="Until when that order could arrive.", examples=["2026-12-24T15:20:00Z"]
    )
    applied_by: str | None = Field(
        description="The return as which it was applied when that order arrived.",
        examples=["ret_01m8054496erxvcc6weqy7k3k9"],
    )
    location: str | None = Field(description="Where the API key stood that reported it.", examples=["berlin-2"])
    returned_at: str = Field(description="When the goods came back.", examples=["2026-11-24T15:20:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-24T15:20:02.120000Z"])
    answer: dict[str, Any] | None = Field(
        description="What it came to, as its caller got it or as it was applied later; null once it is no longer kept.",
        examples=[{"status": "waiting"}],
    )

    @classmethod
    def of(cls, record: ReturnRecord, now: datetime) -> Self:
        """Show a return as it is at ``now``."""
        return cls(
            id=show_id("ret", record.id),
            operation_id=show_id("op", record.id),
            status=record.status(now),
            order_id=show_id("ord", record.order_id) if record.order_id else None,
            member_id=show_id("mem", record.member_id) if record.member_id else None,
            waits_for=None if record.waits_for is None else dict(record.waits_for),
            waits_until=show_instant(record.waits_until) if record.waits_until else None,
            applied_by=show_id("ret", record.applied_by) if record.applied_by else None,
            location=record.location,
            returned_at=show_instant(record.effective_at),
            booked_at=show_instant(record.booked_at),
            answer=None if record.answer is None else dict(record.answer),
        )


class ReturnsPage(Page[ReturnRecordAnswer]):
    """Returns, newest first."""
