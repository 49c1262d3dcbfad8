"""Tiers: where a member is and what that entitles it to; put it somewhere by hand, and end that."""

from datetime import datetime

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, open_session, read_clock, read_path_member, require_member_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.corrections import ReasonBody
from loyalty_engine.api.schemas.tiers import EntitlementsAnswer, GrantAnswer, GrantBody, MemberTiersAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.read_tiers import read_tiers
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import EndGrant, GrantTier
from loyalty_engine.core.engine.ruleset import Ruleset

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
    """Return what the shop does for a member because of its tiers, such as free delivery. Whoever is not a member has none."""
    return EntitlementsAnswer.of(*await _read(context, member))


@router.post(
    "/members/{member}/tiers/{tier_set}/grants",
    operation_id="grant_tier",
    status_code=201,
    response_model=GrantAnswer,
    summary="Put a member into a tier by hand",
    **problems(*_REFUSALS, "tier_not_found", "grant_ends_in_past", body=True, key=True),
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
