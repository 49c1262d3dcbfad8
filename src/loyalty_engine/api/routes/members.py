"""Members: enrol, change, read, and everything that ever happened to one."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import begin_call, open_session, read_path_member, require_member_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.placing import trusts_friends
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.members import EnrolmentBody, MemberAnswer, MemberChangeBody, MemberWriteAnswer
from loyalty_engine.api.schemas.timeline import TimelineEntryAnswer, TimelinePage
from loyalty_engine.api.statements import without_friends
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import ChangeMember, EnrolMember
from loyalty_engine.persistence.reading.members import find_member
from loyalty_engine.persistence.reading.timeline import list_timeline

router = APIRouter(route_class=Route, tags=["members"])

_ATTRIBUTES = ("attribute_not_declared", "attribute_type_mismatch", "identity_taken", "idempotency_key_reused")


@router.post(
    "/members",
    operation_id="enrol_member",
    status_code=201,
    response_model=MemberWriteAnswer,
    summary="Enrol a member",
    **problems(*_ATTRIBUTES, body=True, key=True),
)
@access("members:write", needs_key=True)
async def post_member(context: CallContext, body: EnrolmentBody) -> Outcome:
    """Enrol a new member under identities that nobody else has."""
    services: Services = context.services
    request = EnrolMember(begin_call(context), tuple(dict.fromkeys(body.identities)), body.as_profile())
    return await services.executor.execute(context.caller, request)


@router.patch(
    "/members/{member}",
    operation_id="change_member",
    response_model=MemberWriteAnswer,
    summary="Change a member",
    **problems(*_ATTRIBUTES, "member_not_found", "member_blocked", "identity_not_found", body=True, key=True),
)
@access("members:write", needs_key=True)
async def patch_member(context: CallContext, body: MemberChangeBody, member: str) -> Outcome:
    """Change profile fields and identities; what the body does not name stays as it is."""
    services: Services = context.services
    request = ChangeMember(
        begin_call(context),
        read_path_member(member),
        body.changes(),
        tuple(dict.fromkeys(body.add_identities)),
        tuple(dict.fromkeys(body.remove_identities)),
    )
    return await services.executor.execute(context.caller, request)


@router.get(
    "/members/{member}",
    operation_id="read_member",
    summary="Read a member",
    **problems("member_not_found"),
)
@access("members:read")
async def get_member(context: CallContext, member: str) -> MemberAnswer:
    """Return a member's profile, identities, status and counters."""
    async with open_session(context) as session:
        member_id = await require_member_id(context, session, member)
        record = await find_member(session, context.client.program_id, member_id)
    if record is None:
        raise ProblemError("member_not_found")
    return MemberAnswer.of(record)


@router.get(
    "/members/{member}/timeline",
    operation_id="list_member_timeline",
    summary="Read a member's timeline",
    **problems("member_not_found", "validation_failed"),
)
@access("members:read")
async def get_timeline(context: CallContext, member: str, query: Annotated[PageQuery, Query()]) -> TimelinePage:
    """Return everything that happened to a member, refusals too, like a bank statement: newest first.

    Who brought it, and whom it brought, is told to callers who may read referrals.
    """
    async with open_session(context) as session:
        entries = await list_timeline(
            session,
            context.client.program_id,
            await require_member_id(context, session, member),
            before=query.before_id,
            limit=query.fetched,
        )
    shown, cursor = cut(entries, query.limit, lambda entry: entry.id)
    if not trusts_friends(context):
        shown = [without_friends(entry) for entry in shown]
    return TimelinePage(items=[TimelineEntryAnswer.of(entry) for entry in shown], next_cursor=cursor)
