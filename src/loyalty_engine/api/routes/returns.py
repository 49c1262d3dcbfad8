"""Returns: goods that come back, by line or by amount, at any store and even before their order arrives."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import begin_call, open_session, read_clock, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.returns import (
    CancelOrderBody,
    NamedReturnBody,
    OrderCancelAnswer,
    ReturnAnswer,
    ReturnBody,
    ReturnRecordAnswer,
    ReturnsPage,
    ReturnsQuery,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import CancelOrder, OrderRef
from loyalty_engine.core.rules.order import till_scope
from loyalty_engine.persistence.reading.returns import find_return, list_early_returns, list_returns_of

router = APIRouter(route_class=Route, tags=["returns"])

_REFUSALS = (
    "till_mismatch",
    "order_line_not_found",
    "return_empty",
    "return_exceeds_order",
    "return_exists",
    "return_in_future",
    "return_not_covered",
    "balance_too_large",
    "idempotency_key_reused",
)


@router.post(
    "/orders/{order_id}/returns",
    operation_id="return_goods",
    status_code=201,
    response_model=ReturnAnswer,
    summary="Take goods back",
    **problems("order_not_found", *_REFUSALS, body=True, key=True),
)
@access("orders:write", needs_key=True)
async def post_order_return(context: CallContext, body: ReturnBody, order_id: str) -> Outcome:
    """Take goods of an order back, and answer what that means: money to pay back, points restored and taken, per line.

    However an order comes back, in whatever parts and order, all ends at the same numbers. Points that paid go back to
    the lots they came from; points that the goods had earned are taken back as the program says.
    """
    return await _take_back(context, body, read_path_id("ord", order_id))


@router.post(
    "/returns",
    operation_id="report_return",
    status_code=201,
    response_model=ReturnAnswer,
    summary="Report a return by the order's number",
    **problems("order_not_found", *_REFUSALS, body=True, key=True),
)
@access("orders:write", needs_key=True)
async def post_return(context: CallContext, body: NamedReturnBody) -> Outcome:
    """Take goods back of an order that is named by its own number, at any store.

    An order that is not known yet may still arrive, from a till that was offline: the return waits for it, is applied when
    it comes, and dropped after some days of the program.
    """
    return await _take_back(context, body, body.order.as_reference())


@router.post(
    "/orders/{order_id}/cancel",
    operation_id="cancel_order",
    response_model=OrderCancelAnswer,
    summary="Void an order",
    **problems(
        "order_not_found",
        "order_already_cancelled",
        "return_not_covered",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("orders:write", needs_key=True)
async def post_order_cancel(context: CallContext, body: CancelOrderBody, order_id: str) -> Outcome:
    """Take back all that is left of an order, shipping too: it keeps no points and counts no more."""
    services: Services = context.services
    request = CancelOrder(begin_call(context), read_path_id("ord", order_id), body.reason)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/returns/{return_id}",
    operation_id="read_return",
    summary="Read a return",
    **problems("return_not_found"),
)
@access("orders:read")
async def get_return(context: CallContext, return_id: str) -> ReturnRecordAnswer:
    """Return a return as it stands: applied, waiting for its order, or dropped."""
    async with open_session(context) as session:
        record = await find_return(session, context.client.program_id, read_path_id("ret", return_id))
    if record is None:
        raise ProblemError("return_not_found")
    return ReturnRecordAnswer.of(record, await read_clock(context))


@router.get(
    "/returns",
    operation_id="list_returns",
    summary="List the returns of an order, or those that came before theirs",
    **problems("validation_failed"),
)
@access("orders:read")
async def get_returns(context: CallContext, query: Annotated[ReturnsQuery, Query()]) -> ReturnsPage:
    """Return what came back of one order, or the returns that came before their order did, newest first."""
    program_id, now = context.client.program_id, await read_clock(context)
    async with open_session(context) as session:
        if query.order is not None:
            records = await list_returns_of(
                session, program_id, query.order, before=query.before_id, limit=query.fetched
            )
        else:
            records = await list_early_returns(
                session, program_id, query.status, now=now, before=query.before_id, limit=query.fetched
            )
    shown, cursor = cut(records, query.limit, lambda record: record.id)
    return ReturnsPage(items=[ReturnRecordAnswer.of(record, now) for record in shown], next_cursor=cursor)


async def _take_back(context: Context, body: ReturnBody, order: OrderRef) -> Outcome:
    services: Services = context.services
    receipt = body.receipt
    # Short keys that tills make themselves are told apart by the till.
    call = begin_call(context, scope=till_scope(receipt.location, receipt.till) if receipt else "")
    request = body.as_request(call, order, location=context.client.location)
    return await services.executor.execute(context.caller, request)
