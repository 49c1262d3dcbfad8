"""Points outside orders: redeem an amount, take a redemption back, correct a balance."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import Context, Route, access
from loyalty_engine.api.schemas.points import (
    AdjustmentAnswer,
    AdjustmentBody,
    CancelAnswer,
    CancelBody,
    RedemptionAnswer,
    RedemptionBody,
)
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.services import Services
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption, Redeem

router = APIRouter(route_class=Route, tags=["points"])


@router.post(
    "/redemptions",
    operation_id="redeem_points",
    status_code=201,
    response_model=RedemptionAnswer,
    summary="Spend points",
    **problems(
        "member_not_found",
        "member_blocked",
        "wallet_not_found",
        "wallet_not_redeemable",
        "points_below_minimum",
        "points_not_in_step",
        "insufficient_points",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("redemptions:write", needs_key=True)
async def post_redemption(context: Context, body: RedemptionBody) -> Outcome:
    """Spend an amount of points outside an order; the nearest expiry leaves first."""
    services: Services = context.services
    request = Redeem(begin_call(context), body.member, body.wallet, body.points)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/redemptions/{redemption_id}/cancel",
    operation_id="cancel_redemption",
    response_model=CancelAnswer,
    summary="Take a redemption back",
    **problems(
        "redemption_not_found", "redemption_already_cancelled", "idempotency_key_reused", body=True, key=True
    ),
)
@access("redemptions:write", needs_key=True)
async def post_redemption_cancel(context: Context, body: CancelBody, redemption_id: str) -> Outcome:
    """Put every point back into the lot it came from, once."""
    services: Services = context.services
    request = CancelRedemption(begin_call(context), read_path_id("red", redemption_id), body.reason)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/adjustments",
    operation_id="adjust_points",
    status_code=201,
    response_model=AdjustmentAnswer,
    summary="Correct a balance",
    **problems(
        "member_not_found",
        "wallet_not_found",
        "insufficient_points",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("adjustments:write", needs_key=True)
async def post_adjustment(context: Context, body: AdjustmentBody) -> Outcome:
    """Add or take points by hand, with a reason."""
    if body.points == 0:
        raise ProblemError("validation_failed", errors=[Fault("/points", "zero", "must not be 0")])
    services: Services = context.services
    request = Adjust(
        begin_call(context), body.member, body.wallet, body.points, body.reason, body.note, body.if_short
    )
    return await services.executor.execute(context.caller, request)
