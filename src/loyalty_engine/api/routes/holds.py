"""Holds: capture what was set aside, or let it go; and which holds a member has."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import begin_call, open_session, read_clock, read_path_id, require_standing_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.holds import CaptureBody, HoldEndAnswer, HoldRecordAnswer, HoldsPage, VoidBody
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import EndHold
from loyalty_engine.persistence.reading.redemptions import list_holds

router = APIRouter(route_class=Route, tags=["points"])


@router.post(
    "/redemptions/{redemption_id}/capture",
    operation_id="capture_hold",
    response_model=HoldEndAnswer,
    summary="Spend what was set aside",
    **problems(
        "hold_not_found",
        "hold_ended",
        "hold_expired",
        "capture_exceeds_hold",
        "wallet_not_found",
        "wallet_not_redeemable",
        "points_below_minimum",
        "points_not_in_step",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("redemptions:write", needs_key=True, is_body_optional=True)
async def post_capture(context: CallContext, body: CaptureBody, redemption_id: str) -> Outcome:
    """Spend all points of a hold, or some of them: the others go back to their lots. A hold ends once."""
    services: Services = context.services
    request = EndHold(begin_call(context), read_path_id("red", redemption_id), body.points)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/redemptions/{redemption_id}/void",
    operation_id="void_hold",
    response_model=HoldEndAnswer,
    summary="Let go what was set aside",
    **problems("hold_not_found", "hold_ended", "hold_expired", "idempotency_key_reused", body=True, key=True),
)
@access("redemptions:write", needs_key=True)
async def post_void(context: CallContext, body: VoidBody, redemption_id: str) -> Outcome:
    """End a hold without spending anything: every point goes back to its lot."""
    services: Services = context.services
    request = EndHold(begin_call(context), read_path_id("red", redemption_id), 0, body.reason)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/members/{member}/holds",
    operation_id="list_member_holds",
    summary="List a member's open holds",
    **problems("member_not_found", "validation_failed"),
)
@access("points:read")
async def get_holds(context: CallContext, member: str, query: Annotated[PageQuery, Query()]) -> HoldsPage:
    """Return the holds of a member that can still be captured, newest first."""
    now = await read_clock(context)
    async with open_session(context) as session:
        records = await list_holds(
            session,
            context.client.program_id,
            await require_standing_id(context, session, member),
            now=now,
            before=query.before_id,
            limit=query.fetched,
        )
    shown, cursor = cut(records, query.limit, lambda record: record.id)
    return HoldsPage(items=[HoldRecordAnswer.of(record) for record in shown], next_cursor=cursor)
