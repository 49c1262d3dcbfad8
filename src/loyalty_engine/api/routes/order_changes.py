"""Orders after they were accepted: edit one before it is shipped, confirm it so that its points can be spent."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.lines import as_lines, as_tenders
from loyalty_engine.api.schemas.order_changes import ActivationAnswer, ActivationBody, EditAnswer, EditBody
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import ActivateOrder, EditOrder

router = APIRouter(route_class=Route, tags=["orders"])


@router.post(
    "/orders/{order_id}/edits",
    operation_id="edit_order",
    status_code=201,
    response_model=EditAnswer,
    summary="Edit an order before it is shipped",
    **problems(
        "order_not_found",
        "order_not_editable",
        "order_total_too_large",
        "order_below_payment",
        "attribute_not_declared",
        "attribute_type_mismatch",
        "return_not_covered",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("orders:write", needs_key=True)
async def post_order_edit(context: CallContext, body: EditBody, order_id: str) -> Outcome:
    """Replace what was bought, while nothing of it was shipped or came back: it earns as if placed like this."""
    services: Services = context.services
    request = EditOrder(
        begin_call(context),
        read_path_id("ord", order_id),
        as_lines(body.lines),
        body.shipping,
        as_tenders(body.tenders),
        body.reason,
    )
    return await services.executor.execute(context.caller, request)


@router.post(
    "/orders/{order_id}/activations",
    operation_id="activate_order",
    status_code=201,
    response_model=ActivationAnswer,
    summary="Confirm an order, or some of its lines",
    **problems(
        "order_not_found",
        "member_not_found",
        "member_blocked",
        "order_line_not_found",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("orders:write", needs_key=True, is_body_optional=True)
async def post_order_activation(context: CallContext, body: ActivationBody, order_id: str) -> Outcome:
    """Let points be spent that wait for a confirmation: of the whole order, or of the lines that were shipped."""
    services: Services = context.services
    request = ActivateOrder(begin_call(context), read_path_id("ord", order_id), body.as_goods())
    return await services.executor.execute(context.caller, request)
