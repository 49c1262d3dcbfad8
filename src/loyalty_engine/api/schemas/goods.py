"""Goods of an order, as callers name them: those that come back, and those that are confirmed."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Amount, Body, Code, OrderIdField, QuantityField, Text
from loyalty_engine.api.schemas.lines import ReceiptBody
from loyalty_engine.core.engine.requests import Exchange, OrderRef
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import ShopOrder


class GoodsLineBody(Body):
    """Some of one line of an order."""

    id: Code = Field(description="The line's id within its order.", examples=["1"])
    quantity: QuantityField | None = Field(
        default=None, description="How much of it; all that is left by default.", examples=["1"]
    )


GoodsLines = Annotated[list[GoodsLineBody], Field(max_length=1000)]


class GoodsBody(Body):
    """Goods that come back: lines, an amount where a till knows no lines, shipping; at least one of them."""

    lines: GoodsLines = Field(
        default_factory=list, description="By line, each once.", examples=[[{"id": "1", "quantity": 1}]]
    )
    amount: Amount = Field(
        default=0, description="Minor units of goods without lines, where a till knows no more.", examples=[500]
    )
    shipping: Amount = Field(default=0, description="Minor units of the shipping.", examples=[490])

    @model_validator(mode="after")
    def _check_goods(self) -> Self:
        if not (self.lines or self.amount or self.shipping):
            raise PydanticCustomError("goods", "must name lines, an amount or shipping")
        return self

    def as_goods(self, pointer: str = "") -> Goods:
        """Return the core's goods; ``pointer`` is where this body stands in the request."""
        return Goods(as_quantities(self.lines, f"{pointer}/lines"), self.amount, self.shipping)


class OrderRefBody(Body):
    """An order that is meant: by our id, by the shop's own, or by a till's receipt."""

    id: OrderIdField | None = Field(default=None, description="Our id.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    order_id: Text | None = Field(default=None, description="The shop's own order id.", examples=["W-10001"])
    receipt: ReceiptBody | None = Field(
        default=None,
        description="The till's receipt.",
        examples=[{"location": "berlin-1", "till": "3", "business_date": "2026-11-20", "number": "000117"}],
    )

    @model_validator(mode="after")
    def _check_reference(self) -> Self:
        if sum(name is not None for name in (self.id, self.order_id, self.receipt)) != 1:
            raise PydanticCustomError("reference", "must have exactly one of id, order_id and receipt")
        return self

    def as_reference(self) -> OrderRef:
        """Return the order as the core names it."""
        if self.receipt is not None:
            return self.receipt.as_reference()
        if self.order_id is not None:
            return ShopOrder(self.order_id)
        assert self.id is not None, "one of the three is given"
        return self.id


class ExchangeBody(GoodsBody):
    """Goods of an earlier order that come back on the receipt that sells others."""

    order: OrderRefBody = Field(description="The order that they are of.", examples=[{"order_id": "W-10001"}])

    def as_exchange(self, pointer: str) -> Exchange:
        """Return the core's exchange; ``pointer`` is where this body stands in the request."""
        return Exchange(self.order.as_reference(), self.as_goods(pointer))


def as_quantities(lines: Sequence[GoodsLineBody], pointer: str) -> dict[str, int | None]:
    """Return quantities by line; raise :class:`ProblemError` for a line that is named twice."""
    quantities: dict[str, int | None] = {}
    for position, line in enumerate(lines):
        if line.id in quantities:
            fault = Fault(f"{pointer}/{position}/id", "duplicate_line_id", "stands on an earlier line")
            raise ProblemError("validation_failed", errors=[fault])
        quantities[line.id] = line.quantity
    return quantities
