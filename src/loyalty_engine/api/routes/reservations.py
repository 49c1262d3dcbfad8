"""Reservations: hold what a cart takes while it is paid, then confirm or release it."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, open_session, read_clock, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.placing import CODE_PROBLEMS, REFUSALS, read_bringing, read_codes, watch_guesses
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.orders import OrderAnswer
from loyalty_engine.api.schemas.reservations import (
    ConfirmBody,
    ReleaseAnswer,
    ReleaseBody,
    ReservationAnswer,
    ReservationBody,
    ReservationRecordAnswer,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import ConfirmReservation, ReleaseReservation, ReserveOrder
from loyalty_engine.core.rules.order import till_scope
from loyalty_engine.persistence.reading.reservations import find_reservation

router = APIRouter(route_class=Route, tags=["reservations"])

_ENDED = ("reservation_not_found", "reservation_ended", "reservation_expired", "idempotency_key_reused")


@router.post(
    "/reservations",
    operation_id="reserve_order",
    status_code=201,
    response_model=ReservationAnswer,
    summary="Hold what a cart takes, and promise its price",
    **problems(*(code for code in REFUSALS if code != "order_exists"), *CODE_PROBLEMS, *_ENDED, body=True, key=True),
)
@access("orders:write", needs_key=True)
async def post_reservation(context: CallContext, body: ReservationBody) -> Outcome:
    """Decide a cart as an order would be, and hold until a moment what it takes: points, uses of codes, limits and budgets.

    Nobody else gets those until then. What nobody confirms in time is free again by itself. A cart that changes meanwhile
    is reserved anew with `replaces`, which never lets go of what both of them need.
    """
    services: Services = context.services
    order = body.as_order_at(body.placed_at or await read_clock(context), context.client.location)
    request = ReserveOrder(
        begin_call(context),
        body.member,
        order,
        body.ttl,
        body.as_payment(),
        read_codes(context, body),
        replaces=body.replaces,
        brought=read_bringing(context, body),
    )

    async def reserve() -> Outcome:
        return await services.executor.execute(context.caller, request)

    return await watch_guesses(services, context.caller, (request,), reserve)


@router.post(
    "/reservations/{reservation_id}/confirm",
    operation_id="confirm_reservation",
    status_code=201,
    response_model=OrderAnswer,
    summary="Make a reserved cart an order",
    **problems(*_ENDED, "order_exists", "till_mismatch", "balance_too_large", body=True, key=True),
)
@access("orders:write", needs_key=True)
async def post_confirmation(context: CallContext, body: ConfirmBody, reservation_id: str) -> Outcome:
    """Accept the order for exactly what was promised: its price, the points that pay and those that it earns.

    Rules, blocks and budgets that changed meanwhile do not matter. Confirmed again under another key it answers the same.
    """
    services: Services = context.services
    receipt = body.receipt
    # Short keys that tills make themselves are told apart by the till.
    call = begin_call(context, scope=till_scope(receipt.location, receipt.till) if receipt else "")
    request = ConfirmReservation(call, read_path_id("res", reservation_id), body.as_reference())
    return await services.executor.execute(context.caller, request)


@router.post(
    "/reservations/{reservation_id}/release",
    operation_id="release_reservation",
    response_model=ReleaseAnswer,
    summary="Let go of what a cart holds",
    **problems(*_ENDED, body=True, key=True),
)
@access("orders:write", needs_key=True, is_body_optional=True)
async def post_release(context: CallContext, body: ReleaseBody, reservation_id: str) -> Outcome:
    """Free everything that a reservation holds, at once. A reservation ends once."""
    services: Services = context.services
    request = ReleaseReservation(begin_call(context), read_path_id("res", reservation_id), body.reason)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/reservations/{reservation_id}",
    operation_id="read_reservation",
    summary="Read a reservation",
    **problems("reservation_not_found"),
)
@access("orders:read")
async def get_reservation(context: CallContext, reservation_id: str) -> ReservationRecordAnswer:
    """Return what is promised and until when, or what became of it. A key that is bound to a store sees its own only."""
    now, client = await read_clock(context), context.client
    async with open_session(context) as session:
        record = await find_reservation(session, client.program_id, read_path_id("res", reservation_id))
    if record is None or client.location not in {None, record.location}:
        raise ProblemError("reservation_not_found")
    return ReservationRecordAnswer.of(record, now)
