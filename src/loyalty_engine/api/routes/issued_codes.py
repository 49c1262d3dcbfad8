"""Promo codes of members: give one out of a pool, and list what a member has."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import begin_call, open_session, read_path_member, require_standing_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.issued_codes import (
    CodeIssueAnswer,
    CodeIssueBody,
    MemberCodeAnswer,
    MemberCodesPage,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import IssueCode
from loyalty_engine.persistence.reading.issued_codes import list_member_codes

router = APIRouter(route_class=Route, tags=["promo codes"])


@router.post(
    "/members/{member}/codes",
    operation_id="issue_member_code",
    status_code=201,
    response_model=CodeIssueAnswer,
    summary="Give a member a promo code",
    **problems(
        "member_not_found",
        "member_blocked",
        "code_pool_not_found",
        "code_pool_unsuited",
        "code_pool_paused",
        "code_pool_ended",
        "code_pool_empty",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("codes:write", needs_key=True)
async def post_member_code(context: CallContext, body: CodeIssueBody, member: str) -> Outcome:
    """Make a personal code for a member, or give out a voucher. Nobody else can use a personal code."""
    services: Services = context.services
    request = IssueCode(begin_call(context), read_path_member(member), body.pool)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/members/{member}/codes",
    operation_id="list_member_codes",
    summary="List a member's promo codes",
    **problems("member_not_found", "validation_failed"),
)
@access("codes:read")
async def get_member_codes(context: CallContext, member: str, query: Annotated[PageQuery, Query()]) -> MemberCodesPage:
    """Return the codes and vouchers that a member was given, also with orders, newest first."""
    async with open_session(context) as session:
        records = await list_member_codes(
            session,
            context.client.program_id,
            await require_standing_id(context, session, member),
            before=query.before_number,
            limit=query.fetched,
        )
    shown, cursor = cut(records, query.limit, lambda record: record.number)
    return MemberCodesPage(items=[MemberCodeAnswer.of(record) for record in shown], next_cursor=cursor)
