"""Tiers: where a member is and what that entitles it to; put it somewhere by hand, and end that."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from loyalty_engine.api.calls import (
    begin_call,
    open_check,
    open_session,
    read_clock,
    read_path_member,
    require_member_id,
)
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.documents import ProgramReader, invalid_program
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.corrections import ReasonBody
from loyalty_engine.api.schemas.tier_previews import PreviewQuery, TierPreviewAnswer
from loyalty_engine.api.schemas.tiers import EntitlementsAnswer, GrantAnswer, GrantBody, MemberTiersAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.preview_ladders import preview_ladders
from loyalty_engine.application.publishing import Invalid, prepare
from loyalty_engine.application.read_tiers import read_tiers
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import EndGrant, GrantTier
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.program.document import Program

router = APIRouter(route_class=Route, tags=["tiers"])

_REFUSALS = ("member_not_found", "member_blocked", "tier_set_not_found", "idempotency_key_reused")


@router.get(
    "/members/{member}/tiers",
    operation_id="read_member_tiers",
    summary="See where a member is in tier sets",
    **problems("member_not_found"),
)
@access("tiers:read")
async def get_tiers(context: CallContext, member: str) -> MemberTiersAnswer:
    """Return, for every tier set, the member's tier, since when and until when, what the next one needs, and what a review
    would make of it.

    It is right at any moment, whether or not anybody booked that a tier ran out.
    """
    return MemberTiersAnswer.of(*await _read(context, member))


@router.get(
    "/members/{member}/entitlements",
    operation_id="read_member_entitlements",
    summary="See what a member is entitled to",
    **problems("member_not_found"),
)
@access("tiers:read")
async def get_entitlements(context: CallContext, member: str) -> EntitlementsAnswer:
    """Return what the shop does for a member because of its tiers, such as free delivery."""
    return EntitlementsAnswer.of(*await _read(context, member))


@router.post(
    "/members/{member}/tiers/{tier_set}/grants",
    operation_id="grant_tier",
    status_code=201,
    response_model=GrantAnswer,
    summary="Put a member into a tier by hand",
    **problems(*_REFUSALS, "tier_not_found", "grant_ends_in_past", "grant_too_long", body=True, key=True),
)
@access("tiers:write", needs_key=True)
async def post_grant(context: CallContext, body: GrantBody, member: str, tier_set: str) -> Outcome:
    """Put a member into a tier, also a lower one, or below all, to a date or for good. Another grant replaces the one before.

    When it ends, the member goes where it would be without.
    """
    services: Services = context.services
    request = GrantTier(begin_call(context), read_path_member(member), tier_set, body.tier, body.until, body.reason)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/tiers/{tier_set}/grants/end",
    operation_id="end_tier_grant",
    response_model=GrantAnswer,
    summary="End what was given by hand",
    **problems(*_REFUSALS, "tier_not_granted", body=True, key=True),
)
@access("tiers:write", needs_key=True)
async def post_grant_end(context: CallContext, body: ReasonBody, member: str, tier_set: str) -> Outcome:
    """Let a member go at once where it would be if nobody had put it elsewhere by hand."""
    services: Services = context.services
    request = EndGrant(begin_call(context), read_path_member(member), tier_set, body.reason)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/program/tier-preview",
    operation_id="preview_tiers",
    response_model=TierPreviewAnswer,
    summary="See where a changed ladder would move members",
    **problems("malformed_yaml", "program_invalid", "program_not_published", body=True, yaml="Program"),
)
@access("program:read", documents=ProgramReader())
async def post_preview(context: CallContext, body: Program, query: Annotated[PreviewQuery, Query()]) -> Response:
    """Tell who would move where if this document were published now, and what its tiers would have cost more.

    Nothing is written. It decides as the publication does, which moves all members behind it. Members are looked at page
    by page: send the document again with `cursor` and add up. One preview, or check of the ledger, is under way at a time
    per process; another one is answered 503.
    """
    services, program_id = context.services, context.client.program_id
    assert isinstance(services, Services)
    prepared = await asyncio.to_thread(prepare, body)
    if isinstance(prepared, Invalid):
        raise invalid_program(prepared.faults)
    behind, now = query.after_id, await read_clock(context)
    async with open_check(context) as session:
        forecast = await preview_ladders(
            session, services.rulesets, program_id, prepared.ruleset, now=now, behind=behind, most=query.limit
        )
    answer = TierPreviewAnswer.of(forecast, prepared.ruleset, shows_members="tiers:read" in context.client.scopes)
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


async def _read(context: Context, text: str) -> tuple[Ruleset, MemberState, datetime]:
    services, program_id = context.services, context.client.program_id
    assert isinstance(services, Services)
    now = await read_clock(context)
    async with open_session(context) as session:
        member_id = await require_member_id(context, session, text)
        found = await read_tiers(session, services.rulesets, program_id, member_id, now=now)
    if found is None:
        raise ProblemError("member_not_found")
    return *found, now
