"""Reviews: orders that came late, from the future or under a used number, until somebody decides about them."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import open_session, open_writing_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.placing import CODE_PROBLEMS, EXCHANGE_REFUSALS, REFUSALS, read_reviewed_order, watch_guesses
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.orders import OrderAnswer
from loyalty_engine.api.schemas.reviews import (
    AcceptBody,
    DismissBody,
    ReviewAnswer,
    ReviewsPage,
    ReviewsQuery,
    ReviewSummary,
)
from loyalty_engine.application.accept_review import accept_review
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reviews import Review, dismiss_review, find_review, list_reviews

router = APIRouter(route_class=Route, tags=["reviews"])


@router.get(
    "/order-reviews",
    operation_id="list_order_reviews",
    summary="List orders that wait for a review",
    **problems("validation_failed"),
)
@access("orders:read")
async def get_reviews(context: CallContext, query: Annotated[ReviewsQuery, Query()]) -> ReviewsPage:
    """Return orders that somebody has to look at, or has looked at, newest first."""
    client = context.client
    async with open_session(context) as session:
        found = await list_reviews(
            session,
            client.program_id,
            status=query.status,
            location=client.location,
            before=query.before_id,
            limit=query.fetched,
        )
    shown, cursor = cut(found, query.limit, lambda review: review.id)
    return ReviewsPage(items=[ReviewSummary.of(review) for review in shown], next_cursor=cursor)


@router.get(
    "/order-reviews/{review_id}",
    operation_id="read_order_review",
    summary="Read an order that waits for a review",
    **problems("review_not_found"),
)
@access("orders:read")
async def get_review(context: CallContext, review_id: str) -> ReviewAnswer:
    """Return an order as it was sent, with what stands against it."""
    async with open_session(context) as session:
        review = await _find(context, session, review_id)
    return ReviewAnswer.of(review, order=review.body)


@router.post(
    "/order-reviews/{review_id}/accept",
    operation_id="accept_order_review",
    status_code=201,
    response_model=OrderAnswer,
    summary="Book an order that waits for a review",
    **problems(
        *REFUSALS, *CODE_PROBLEMS, *EXCHANGE_REFUSALS, "review_not_found", "idempotency_key_reused", body=True, key=True
    ),
)
@access("reviews:write", needs_key=True, is_body_optional=True)
async def post_acceptance(context: CallContext, body: AcceptBody, review_id: str) -> Outcome:  # noqa: ARG001  an empty object
    """Book the order now, by the rules of its time, as if it had come in time. Accepted again, it gets the same answer.

    A receipt under a number that another one has is booked beside it: both stand.
    """
    services: Services = context.services
    async with open_session(context) as session:
        review = await _find(context, session, review_id)
    request = read_reviewed_order(context, review)

    async def accept() -> Outcome:
        return await accept_review(
            services.executor, services.sessions, context.caller, request, review=review, clocks=services.clocks
        )

    return await watch_guesses(services, context.caller, (request,), accept)


@router.post(
    "/order-reviews/{review_id}/dismiss",
    operation_id="dismiss_order_review",
    summary="Dismiss an order that waits for a review",
    **problems("review_not_found", "review_accepted", body=True),
)
@access("reviews:write")
async def post_dismissal(context: CallContext, body: DismissBody, review_id: str) -> ReviewAnswer:
    """Decide that the order is not booked. It stays in the list with the reason, and can still be accepted later."""
    services: Services = context.services
    client = context.client
    now = await services.clocks.now(client.program_id)
    async with open_writing_session(context) as session:
        review = await _find(context, session, review_id)
        await dismiss_review(session, client.program_id, review.id, reason=body.reason, client_id=client.id, now=now)
        review = await _find(context, session, review_id)
    if review.status == "accepted":
        raise ProblemError("review_accepted")
    return ReviewAnswer.of(review, order=review.body)


async def _find(context: Context, session: Connection, text: str) -> Review:
    client = context.client
    review = await find_review(session, client.program_id, read_path_id("rev", text), location=client.location)
    if review is None:
        raise ProblemError("review_not_found")
    return review
