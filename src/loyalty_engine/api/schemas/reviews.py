"""Orders that somebody has to look at."""

from typing import Any, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.problems import PROBLEMS
from loyalty_engine.api.schemas.fields import Answer, Body, ReasonCode
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reviews import Review, ReviewStatus

_REV = "rev_01m8054496erxvcc6weqy7k3j5"


class AcceptBody(Body):
    """An empty object; the review's id says everything."""


class DismissBody(Body):
    """Why an order is not booked."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["typed_twice"])


class ReviewsQuery(PageQuery):
    """Which reviews are wanted."""

    status: ReviewStatus | None = Field(default=None, description="Only these.", examples=["open"])


class ReviewSummary(Answer):
    """An order that waits for somebody to look at it. Nothing of it is booked before that."""

    id: str = Field(description="The review.", examples=[_REV])
    status: ReviewStatus = Field(description="open, accepted and booked, or dismissed.", examples=["open"])
    code: str = Field(
        description="What stands against it: order_too_old, order_in_future (too far ahead), or order_exists (another "
        "receipt has its number).",
        examples=["order_too_old"],
    )
    title: str = Field(description="The same for people.", examples=["The order is older than the program accepts"])
    reference: dict[str, Any] = Field(
        description="The shop's order_id, or the till's receipt, as it was sent.", examples=[{"order_id": "W-10001"}]
    )
    placed_at: str = Field(description="When it was bought, as it says.", examples=["2026-11-01T10:15:00Z"])
    received_at: str = Field(description="When it came, by the program's clock.", examples=["2026-11-21T10:15:00Z"])
    order_id: str | None = Field(
        description="The order that it became, once it is accepted.", examples=["ord_01m8054496erxvcc6weqy7k3j5"]
    )
    reason: str | None = Field(description="Why it was dismissed.", examples=["typed_twice"])
    decided_at: str | None = Field(description="When that was decided.", examples=["2026-11-22T08:00:00Z"])

    @classmethod
    def of(cls, review: Review, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """Show a review."""
        order_id = review.body.get("order_id")
        return cls(
            id=show_id("rev", review.id),
            status=review.status,
            code=review.code,
            title=PROBLEMS[review.code].title,
            reference=review.body["receipt"] if order_id is None else {"order_id": order_id},
            placed_at=show_instant(review.placed_at),
            received_at=show_instant(review.received_at),
            order_id=show_id("ord", review.operation_id) if review.operation_id else None,
            reason=review.reason,
            decided_at=show_instant(review.decided_at) if review.decided_at else None,
            **more,
        )


class ReviewAnswer(ReviewSummary):
    """The same with the order."""

    order: dict[str, Any] = Field(
        description="The order as it was sent.",
        examples=[{"order_id": "W-10001", "currency": "EUR", "lines": [{"amount": 1899}]}],
    )


class ReviewsPage(Page[ReviewSummary]):
    """Orders that wait or waited for a review, newest first."""
