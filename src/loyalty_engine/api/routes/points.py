"""Points outside orders: redeem an amount, take a redemption back, correct a balance; and what members hold."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import (
    begin_call,
    open_session,
    read_clock,
    read_path_id,
    require_member_id,
    require_standing_id,
)
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.fields import BalanceAnswer
from loyalty_engine.api.schemas.holds import HoldAnswer
from loyalty_engine.api.schemas.points import (
    AdjustmentAnswer,
    AdjustmentBody,
    BalancesAnswer,
    CancelAnswer,
    CancelBody,
    PostingAnswer,
    PostingsPage,
    PostingsQuery,
    RedemptionAnswer,
    RedemptionBody,
    RedemptionRecordAnswer,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.settle_member import settle_member
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.reading.points import (
    list_balances,
    list_postings,
)
from loyalty_engine.persistence.reading.redemptions import find_redemption
from loyalty_engine.persistence.reading.standings import find_standing

router = APIRouter(route_class=Route, tags=["points"])


@router.post(
    "/redemptions",
    operation_id="redeem_points",
    status_code=201,
    response_model=RedemptionAnswer | HoldAnswer,
    summary="Spend points, or set them aside",
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
    """Spend an amount of points outside an order; the nearest expiry leaves first.

    With ``hold`` they are only set aside: capture what is really spent, or void the hold. What is not ended in time comes
    back by itself.
    """
    services: Services = context.services
    return await services.executor.execute(context.caller, body.as_request(begin_call(context)))


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
    """Return a redemption or a hold as it stands, and which lots paid."""
    async with open_session(context) as session:
        record = await find_redemption(session, context.client.program_id, read_path_id("red", redemption_id))
    if record is None:
        raise ProblemError("redemption_not_found")
    return RedemptionRecordAnswer.of(record, await read_clock(context))


@router.get(
    "/members/{member}/balances",
    operation_id="read_member_balances",
    summary="Read a member's balances",
    **problems("member_not_found"),
)
@access("points:read")
async def get_balances(context: CallContext, member: str) -> BalancesAnswer:
    """Return what a member has and owes in each wallet at this moment."""
    services: Services = context.services
    program_id, now = context.client.program_id, await read_clock(context)
    async with open_session(context) as session:
        member_id = await require_standing_id(context, session, member)
        due = await find_standing(session, program_id, member_id, due_by=now)
        balances = await list_balances(session, program_id, member_id)
    if due is not None:
        settled = await settle_member(services.rulesets, program_id, due, now)
        balances = dict(sorted(settled.balances.items()))
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
