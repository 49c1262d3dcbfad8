"""Members: enrol and change."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, read_path_member
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import Context, Route, access
from loyalty_engine.api.schemas.members import EnrolmentBody, MemberChangeBody, MemberWriteAnswer
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.services import Services
from loyalty_engine.core.engine.requests import ChangeMember, EnrolMember

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
async def post_member(context: Context, body: EnrolmentBody) -> Outcome:
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
async def patch_member(context: Context, body: MemberChangeBody, member: str) -> Outcome:
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
