"""Referrals: friends who register, members' codes, what both sides got, and what waits for a look."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import (
    begin_call,
    open_session,
    read_clock,
    read_path_id,
    read_path_member,
    require_standing_id,
)
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.placing import trusts_friends, watch_guesses
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.referrals import (
    FingerprintsAnswer,
    FingerprintsBody,
    MemberReferralsPage,
    ProgrammeAnswer,
    ReferralAnswer,
    ReferralCodeAnswer,
    ReferralsPage,
    ReferralsQuery,
    RegistrationAnswer,
    RegistrationBody,
    VerdictAnswer,
    VerdictBody,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.referral_requests import ReviewReferral, SeeFingerprints
from loyalty_engine.core.engine.requests import MemberRef
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.referrals.codes import code_of
from loyalty_engine.core.referrals.progress import progress_of
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.members import find_member_id, find_standing_id
from loyalty_engine.persistence.reading.referrals import Wanted, find_referral, list_referrals, read_counters

router = APIRouter(route_class=Route, tags=["referrals"])


@router.post(
    "/referrals",
    operation_id="register_referral",
    status_code=201,
    response_model=RegistrationAnswer,
    summary="Register a friend",
    **problems(
        "member_not_found",
        "member_blocked",
        "referrals_not_offered",
        "referral_code_not_found",
        "referral_of_self",
        "referral_exists",
        "friend_not_new",
        "advocate_not_allowed",
        "too_many_guesses",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("referrals:write", needs_key=True)
async def post_referral(context: CallContext, body: RegistrationBody) -> Outcome:
    """Bind a new friend to who brought it, once for ever: at sign-up, or before its first order.

    With the first order it is `brought_by` of the order, in one call. What is suspicious waits for a look (`in_review`), or is
    `rejected` at once, with the reasons.
    """
    services: Services = context.services
    request = body.as_request(begin_call(context), is_trusted=trusts_friends(context))

    async def register() -> Outcome:
        return await services.executor.execute(context.caller, request)

    return await watch_guesses(services, context.caller, (request,), register)


@router.get(
    "/referrals",
    operation_id="list_referrals",
    summary="List referrals",
    **problems("member_not_found", "validation_failed"),
)
@access("referrals:read")
async def get_referrals(context: CallContext, query: Annotated[ReferralsQuery, Query()]) -> ReferralsPage:
    """Return referrals, newest first: all, those that wait for a look (`state=in_review`), or those of one side."""
    now = await read_clock(context)
    async with open_session(context) as session:
        wanted = Wanted(
            query.state,
            await _find(context, session, query.advocate),
            await _find(context, session, query.friend),
            query.programme,
        )
        found = await list_referrals(
            session, context.client.program_id, wanted, now=now, before=query.before_id, limit=query.fetched
        )
    shown, cursor = cut(found, query.limit, lambda referral: referral.id)
    return ReferralsPage(items=[ReferralAnswer.of(one, now) for one in shown], next_cursor=cursor)


@router.get(
    "/referrals/{referral_id}",
    operation_id="read_referral",
    summary="Read a referral",
    **problems("referral_not_found"),
)
@access("referrals:read")
async def get_referral(context: CallContext, referral_id: str) -> ReferralAnswer:
    """Return a referral as it stands: what speaks for it, what is suspicious, and what both sides got."""
    now = await read_clock(context)
    async with open_session(context) as session:
        found = await find_referral(session, context.client.program_id, read_path_id("rfl", referral_id))
    if found is None:
        raise ProblemError("referral_not_found")
    return ReferralAnswer.of(found, now)


@router.post(
    "/referrals/{referral_id}/review",
    operation_id="review_referral",
    response_model=VerdictAnswer,
    summary="Decide about a referral",
    **problems(
        "referral_not_found",
        "referral_not_in_review",
        "member_blocked",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("reviews:write", needs_key=True)
async def post_verdict(context: CallContext, body: VerdictBody, referral_id: str) -> Outcome:
    """Let a referral count that was found suspicious, or reject one, also one that was rewarded: then both sides give back what
    they got.
    """
    services: Services = context.services
    known = read_path_id("rfl", referral_id)
    request = ReviewReferral(begin_call(context), known, body.verdict, body.reason)
    return await services.executor.execute(context.caller, request)


@router.get(
    "/members/{member}/referral-code",
    operation_id="read_referral_code",
    summary="Read a member's referral code",
    **problems("member_not_found"),
)
@access("referrals:read")
async def get_referral_code(context: CallContext, member: str) -> ReferralCodeAnswer:
    """Return what a member tells its friends: its code, and an address for each programme."""
    services: Services = context.services
    ruleset = await services.rulesets.latest(context.client.program_id)
    async with open_session(context) as session:
        member_id = await require_standing_id(context, session, member)
    return ReferralCodeAnswer.of(member_id, ruleset.referrals.values())


@router.get(
    "/members/{member}/referrals",
    operation_id="list_member_referrals",
    summary="List a member's friends",
    **problems("member_not_found", "validation_failed"),
)
@access("referrals:read")
async def get_member_referrals(
    context: CallContext, member: str, query: Annotated[PageQuery, Query()]
) -> MemberReferralsPage:
    """Return whom a member brought, newest first, how far that takes it up the ladders, and who brought itself."""
    services: Services = context.services
    program_id, now = context.client.program_id, await read_clock(context)
    ruleset = await services.rulesets.latest(program_id)
    async with open_session(context) as session:
        member_id = await require_standing_id(context, session, member)
        brought = await list_referrals(
            session, program_id, Wanted(friend_id=member_id), now=now, before=UUID(int=2**128 - 1), limit=1
        )
        found = await list_referrals(
            session,
            program_id,
            Wanted(advocate_id=member_id),
            now=now,
            before=query.before_id,
            limit=query.fetched,
        )
        counters = await read_counters(session, program_id, member_id)
    shown, cursor = cut(found, query.limit, lambda referral: referral.id)
    return MemberReferralsPage(
        member_id=show_id("mem", member_id),
        code=code_of(member_id),
        programmes=[ProgrammeAnswer.of(progress_of(terms, counters, now)) for terms in ruleset.referrals.values()],
        brought_by=ReferralAnswer.of(brought[0], now) if brought else None,
        items=[ReferralAnswer.of(one, now) for one in shown],
        next_cursor=cursor,
    )


@router.post(
    "/members/{member}/fingerprints",
    operation_id="see_fingerprints",
    status_code=201,
    response_model=FingerprintsAnswer,
    summary="Say what a member is known again by",
    **problems("member_not_found", "idempotency_key_reused", body=True, key=True),
)
@access("referrals:write", needs_key=True)
async def post_fingerprints(context: CallContext, body: FingerprintsBody, member: str) -> Outcome:
    """Keep what the shop saw a member with, an advocate or anybody else. It speaks against friends who register later, or whom
    nobody was rewarded for yet.
    """
    services: Services = context.services
    request = SeeFingerprints(begin_call(context), read_path_member(member), body.as_fingerprints())
    return await services.executor.execute(context.caller, request)


async def _find(context: Context, session: Connection, member: MemberRef | None) -> UUID | None:
    """Return the id of the member that stands for the one that is asked for."""
    if member is None:
        return None
    program_id = context.client.program_id
    member_id = await find_member_id(session, program_id, member)
    if member_id is None:
        raise ProblemError("member_not_found")
    return await find_standing_id(session, program_id, member_id) or member_id
