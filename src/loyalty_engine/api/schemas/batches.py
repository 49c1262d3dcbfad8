"""Batches: many orders in one call, and what became of each."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from loyalty_engine.api.schemas.fields import Answer, Body
from loyalty_engine.api.schemas.orders import OrderBody

MAX_ORDERS = 500

Key = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[ -~]+$")]


class BatchedOrderBody(OrderBody):
    """An order of a batch."""

    idempotency_key: Key | None = Field(
        default=None,
        description="As the header of the same name. An order without one is told by its number and content alone: what "
        "was accepted is repeated, what was refused is judged anew.",
        examples=["000123"],
    )


class OrderBatchBody(Body):
    """A till's journal, or a part of it."""

    orders: Annotated[list[BatchedOrderBody], Field(min_length=1, max_length=MAX_ORDERS)] = Field(
        description="The orders, each as it would be sent alone.",
        examples=[
            [
                {
                    "receipt": {"location": "berlin-1", "till": "3", "business_date": "2026-11-21", "number": "000123"},
                    "placed_at": "2026-11-21T10:15:00+01:00",
                    "currency": "EUR",
                    "lines": [{"amount": 1899}],
                }
            ]
        ],
    )
    all_or_nothing: bool = Field(
        default=False,
        description="Book all orders in one write, or none if one of them is not accepted. Such orders cannot take goods "
        "of others back.",
        examples=[False],
    )


class BatchResult(Answer):
    """What became of one order."""

    index: int = Field(description="Its place in the batch, from 0.", examples=[0])
    status: int = Field(
        description="The HTTP status that it would have had alone; 424 where others kept it from being booked.",
        examples=[201],
    )
    code: str | None = Field(description="The problem's code; null for success.", examples=[None])
    replayed: bool = Field(description="Whether this is the first answer once more.", examples=[False])
    body: dict[str, Any] = Field(
        description="The answer that it would have got alone: an accepted order, or a problem. Pointers of what does not "
        "have the documented form begin with the order's place, those of a decision point into the order.",
        examples=[{"id": "ord_01m8054496erxvcc6weqy7k3j5", "operation_id": "op_01m8054496erxvcc6weqy7k3j5"}],
    )


class BatchAnswer(Answer):
    """What became of each order of a batch."""

    results: list[BatchResult] = Field(description="One for each order, in the order sent.", examples=[[]])
