"""Orders: report a purchase, look what it would do, claim one later, read what was reported."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from loyalty_engine.api.batches import OrderBatch, OrderBatchReader, place_all, place_each
from loyalty_engine.api.calls import actor_of, begin_call, open_session, read_clock, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.placing import (
    CODE_PROBLEMS,
    EXCHANGE_REFUSALS,
    REFUSALS,
    read_bringing,
    read_codes,
    read_order,
    settle_order,
    watch_guesses,
)
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.batches import BatchAnswer
from loyalty_engine.api.schemas.order_records import OrderRecordAnswer, OrdersPage, OrdersQuery, OrderSummary
from loyalty_engine.api.schemas.orders import (
    ClaimAnswer,
    ClaimBody,
    EvaluationAnswer,
    EvaluationBody,
    OrderAnswer,
    OrderBody,
)
from loyalty_engine.api.schemas.reviews import ReviewSummary
from loyalty_engine.application.composition import Services
from loyalty_engine.application.evaluate_order import evaluate_order
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import ClaimOrder, EvaluateOrder
from loyalty_engine.persistence.reading.orders import find_numbered, find_order, list_parked

router = APIRouter(route_class=Route, tags=["orders"])


_PLACED: Final = problems(*REFUSALS, *CODE_PROBLEMS, *EXCHANGE_REFUSALS, "idempotency_key_reused", body=True, key=True)
_PLACED["responses"][202] = {"model": ReviewSummary, "description": "The order waits for somebody to look at it."}


@router.post(
    "/orders",
    operation_id="place_order",
    status_code=201,
    response_model=OrderAnswer,
    summary="Report a paid order or receipt",
    **_PLACED,
)
@access("orders:write", needs_key=True)
async def post_order(context: CallContext, body: OrderBody) -> Outcome:
    """Credit what the order earns and, on request, pay a part of it with points, in one step.

    The same receipt is accepted once, whatever the idempotency key; a repetition gets the first answer again. One that is too
    old, from the future or under a used number waits for somebody to look at it, where the program says so (202). Goods of
    earlier orders that come back on the same receipt stand in ``returns``; what was reported of this one before it arrived
    comes back with it.
    """
    services: Services = context.services
    request = read_order(context, body, key=context.key, request_hash=context.request_hash)
    return await settle_order(services, context.caller, request, context.parsed)


@router.post(
    "/orders/batch",
    operation_id="place_orders",
    response_model=BatchAnswer,
    summary="Report many orders or receipts",
    **problems("batch_not_booked", body=True),
)
@access("orders:write", documents=OrderBatchReader())
async def post_orders(context: CallContext, body: OrderBatch) -> Response:
    """Place up to 500 orders, each as if it had been sent alone, and answer for each in the order sent.

    A batch may be sent again, whole or in part, as often as it takes: every order has a number of its own. An order that is
    refused keeps no other from being booked, unless the batch asks for all or nothing.
    """
    services: Services = context.services
    place = place_all if body.all_or_nothing else place_each
    return await place(context, services, body)


@router.post(
    "/evaluations",
    operation_id="evaluate_order",
    response_model=EvaluationAnswer,
    summary="Look what an order would do",
    **problems(
        *REFUSALS,
        "too_many_guesses",
        "reservation_not_found",
        "reservation_ended",
        "reservation_expired",
        body=True,
    ),
)
@access("evaluations:read")
async def post_evaluation(context: CallContext, body: EvaluationBody) -> Outcome:
    """Decide an order as if it were placed now, explain the rules that had a say, and write nothing.

    Promo codes that give nothing are told in ``codes``, with the reason.
    """
    services: Services = context.services
    order = body.as_order_at(body.placed_at or await read_clock(context), context.client.location)
    codes, brought = read_codes(context, body), read_bringing(context, body)
    request = EvaluateOrder(actor_of(context), body.member, order, body.as_payment(), codes, body.replaces, brought)
    caller = context.caller
    look = partial(evaluate_order, services.executor, caller, request, explains_all=body.explain == "all")
    return await watch_guesses(services, caller, (request,), look)


@router.post(
    "/orders/{order_id}/claim",
    operation_id="claim_order",
    response_model=ClaimAnswer,
    summary="Claim a guest order for a member",
    **problems(
        "member_not_found",
        "member_blocked",
        "order_not_found",
        "order_already_claimed",
        "order_claim_mismatch",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("orders:write", needs_key=True)
async def post_claim(context: CallContext, body: ClaimBody, order_id: str) -> Outcome:
    """Credit an order that was accepted without a member, once. A parked receipt goes only to the owner of its card."""
    services: Services = context.services
    request = ClaimOrder(begin_call(context), read_path_id("ord", order_id), body.member)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/orders/{order_id}",
    operation_id="read_order",
    summary="Read an order",
    **problems("order_not_found"),
)
@access("orders:read")
async def get_order(context: CallContext, order_id: str) -> OrderRecordAnswer:
    """Return an order as it was reported, and who has its points."""
    async with open_session(context) as session:
        record = await find_order(session, context.client.program_id, read_path_id("ord", order_id))
    if record is None:
        raise ProblemError("order_not_found")
    return OrderRecordAnswer.with_lines(record)


@router.get(
    "/orders",
    operation_id="list_orders",
    summary="Find orders by their number, or by the card that they wait for",
    **problems("validation_failed"),
)
@access("orders:read")
async def get_orders(context: CallContext, query: Annotated[OrdersQuery, Query()]) -> OrdersPage:
    """Return the order of a shop's or till's own number; or those that came with an unknown card and were not claimed yet,
    newest first. Two receipts are found under one number where a review let both stand.
    """
    client = context.client
    number = query.number_within(client.location)
    async with open_session(context) as session:
        if number is not None:
            found = await find_numbered(session, client.program_id, number)
            return OrdersPage(items=[OrderSummary.of(record) for record in found], next_cursor=None)
        assert query.parked_for is not None
        records = await list_parked(
            session, client.program_id, query.parked_for, before=query.before_id, limit=query.fetched
        )
    shown, cursor = cut(records, query.limit, lambda record: record.id)
    return OrdersPage(items=[OrderSummary.of(record) for record in shown], next_cursor=cursor)
