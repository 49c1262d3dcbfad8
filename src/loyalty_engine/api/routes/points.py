"""Points outside orders: redeem an amount, take a redemption back, correct a balance; and what members hold."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import begin_call, open_session, read_path_id, require_member_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.fields import BalanceAnswer
from loyalty_engine.api.schemas.points import (
    AdjustmentAnswer,
    AdjustmentBody,
    BalancesAnswer,
    CancelAnswer,
    CancelBody,
    LotAnswer,
    LotsPage,
    LotsQuery,
    PostingAnswer,
    PostingsPage,
    PostingsQuery,
    RedemptionAnswer,
    RedemptionBody,
    RedemptionRecordAnswer,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption, Redeem
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.reading.points import (
    find_redemption,
    list_balances,
    list_lots,
    list_open_lots,
    list_postings,
)

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
async def post_redemption(context: CallContext, body: RedemptionBody) -> Outcome:
    """Spend an amount of points outside an order; the nearest expiry leaves first."""
    services: Services = context.services
    request = Redeem(begin_call(context), body.member, body.wallet, body.points)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/redemptions/{redemption_id}/cancel",
    operation_id="cancel_redemption",
    response_model=CancelAnswer,
    summary="Take a redemption back",
    **problems("redemption_not_found", "redemption_already_cancelled", "idempotency_key_reused", body=True, key=True),
)
@access("redemptions:write", needs_key=True)
async def post_redemption_cancel(context: CallContext, body: CancelBody, redemption_id: str) -> Outcome:
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
async def post_adjustment(context: CallContext, body: AdjustmentBody) -> Outcome:
    """Add or take points by hand, with a reason."""
    if body.points == 0:
        raise ProblemError("validation_failed", errors=[Fault("/points", "zero", "must not be 0")])
    services: Services = context.services
    request = Adjust(begin_call(context), body.member, body.wallet, body.points, body.reason, body.note, body.if_short)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/redemptions/{redemption_id}",
    operation_id="read_redemption",
    summary="Read a redemption",
    **problems("redemption_not_found"),
)
@access("redemptions:read")
async def get_redemption(context: CallContext, redemption_id: str) -> RedemptionRecordAnswer:
    """Return a redemption as it stands: active or cancelled, and which lots paid."""
    async with open_session(context) as session:
        record = await find_redemption(session, context.client.program_id, read_path_id("red", redemption_id))
    if record is None:
        raise ProblemError("redemption_not_found")
    return RedemptionRecordAnswer.of(record)


@router.get(
    "/members/{member}/balances",
    operation_id="read_member_balances",
    summary="Read a member's balances",
    **problems("member_not_found"),
)
@access("points:read")
async def get_balances(context: CallContext, member: str) -> BalancesAnswer:
    """Return what a member has and owes in each wallet."""
    async with open_session(context) as session:
        member_id = await require_member_id(context, session, member)
        balances = await list_balances(session, context.client.program_id, member_id)
    return BalancesAnswer(
        member_id=show_id("mem", member_id),
        balances=[BalanceAnswer.of(wallet, balance) for wallet, balance in balances.items()],
    )


@router.get(
    "/members/{member}/postings",
    operation_id="list_member_postings",
    summary="List a member's postings",
    **problems("member_not_found", "validation_failed"),
)
@access("points:read")
async def get_postings(context: CallContext, member: str, query: Annotated[PostingsQuery, Query()]) -> PostingsPage:
    """Return every movement of a member's points with the balance after it, newest first."""
    async with open_session(context) as session:
        records = await list_postings(
            session,
            context.client.program_id,
            await require_member_id(context, session, member),
            before=query.before_number,
            wallet=query.wallet,
            limit=query.fetched,
        )
    shown, cursor = cut(records, query.limit, lambda record: record.seq)
    return PostingsPage(items=[PostingAnswer.of(record) for record in shown], next_cursor=cursor)


@router.get(
    "/members/{member}/lots",
    operation_id="list_member_lots",
    summary="List a member's lots",
    **problems("member_not_found", "validation_failed"),
)
@access("points:read")
async def get_lots(context: CallContext, member: str, query: Annotated[LotsQuery, Query()]) -> LotsPage:
    """Return the lots that still hold points, or all of them, newest first."""
    program_id = context.client.program_id
    async with open_session(context) as session:
        member_id = await require_member_id(context, session, member)
        if query.all:
            records = await list_lots(session, program_id, member_id, before=query.before_number, limit=query.fetched)
            shown, cursor = cut(records, query.limit, lambda record: record.seq)
        else:
            records = await list_open_lots(session, program_id, member_id, before=query.before_id, limit=query.fetched)
            shown, cursor = cut(records, query.limit, lambda record: record.id)
    return LotsPage(items=[LotAnswer.of(record) for record in shown], next_cursor=cursor)
