"""API keys: create, list, rotate, revoke. A secret is shown once, in the answer that makes it."""

from datetime import timedelta
from typing import Annotated, assert_never

from fastapi import APIRouter, Query, Response

from loyalty_engine.api.calls import open_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import PageQuery, cut
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.api_keys import (
    KeyAnswer,
    KeyBody,
    KeysPage,
    NewKeyAnswer,
    RevocationAnswer,
    RevocationBody,
    RotationBody,
    fields_of,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.create_api_key import create_api_key
from loyalty_engine.application.grants import Excess, ExpiryPassed, NewKey
from loyalty_engine.application.revoke_api_key import revoke_api_key
from loyalty_engine.application.rotate_api_key import Missing, NotLive, RotationOpen, rotate_api_key
from loyalty_engine.persistence.clients import find_key, list_keys

router = APIRouter(route_class=Route, tags=["keys"])


@router.post(
    "/api-keys",
    operation_id="create_api_key",
    status_code=201,
    response_model=NewKeyAnswer,
    summary="Create an API key",
    **problems("grant_exceeds_caller", body=True),
)
@access("keys:write")
async def post_key(context: CallContext, body: KeyBody) -> Response:
    """Create a key that may do no more than the one that asks. This answer is the only one that shows the secret."""
    services: Services = context.services
    grant = body.as_grant()
    result = await create_api_key(services.sessions, context.client, grant, now=services.clock())
    match result:
        case NewKey():
            return _show_secret(result, 201)
        case Excess():
            raise _excess_problem(result, body.scopes)
        case ExpiryPassed():
            raise _expiry_problem()
        case _:
            assert_never(result)


@router.get(
    "/api-keys",
    operation_id="list_api_keys",
    summary="List API keys",
    **problems("validation_failed"),
)
@access("keys:read")
async def get_keys(context: CallContext, query: Annotated[PageQuery, Query()]) -> KeysPage:
    """Return the keys, newest first, also those that have ended; never a secret."""
    program_id = context.client.program_id
    async with open_session(context) as session:
        found = await list_keys(session, program_id, before=query.before_id, limit=query.fetched)
    shown, following = cut(found, query.limit, lambda key: key.id)
    return KeysPage(items=[KeyAnswer.of(key) for key in shown], next_cursor=following)


@router.get(
    "/api-keys/{key_id}",
    operation_id="read_api_key",
    summary="Read an API key",
    **problems("not_found"),
)
@access("keys:read")
async def get_key(context: CallContext, key_id: str) -> KeyAnswer:
    """Return what a key may do and how long it lives."""
    async with open_session(context) as session:
        key = await find_key(session, context.client.program_id, read_path_id("key", key_id))
    if key is None:
        raise ProblemError("not_found")
    return KeyAnswer.of(key)


@router.post(
    "/api-keys/{key_id}/rotate",
    operation_id="rotate_api_key",
    status_code=201,
    response_model=NewKeyAnswer,
    summary="Rotate an API key",
    **problems("not_found", "grant_exceeds_caller", "key_not_live", "key_rotation_open", body=True),
)
@access("keys:write", is_body_optional=True)
async def post_rotation(context: CallContext, body: RotationBody, key_id: str) -> Response:
    """Give the key's application a new secret, and let the old one end, at once or after an overlap.

    Retries under the same idempotency key work with either secret.
    """
    services: Services = context.services
    result = await rotate_api_key(
        services.sessions,
        context.client,
        read_path_id("key", key_id),
        overlap=timedelta(seconds=body.overlap_seconds),
        expires_at=body.expires_at,
        now=services.clock(),
    )
    match result:
        case NewKey():
            return _show_secret(result, 201)
        case Missing():
            raise ProblemError("not_found")
        case NotLive():
            raise ProblemError("key_not_live")
        case RotationOpen():
            raise ProblemError("key_rotation_open")
        case Excess():
            raise _excess_problem(result, None)
        case ExpiryPassed():
            raise _expiry_problem()
        case _:
            assert_never(result)


@router.post(
    "/api-keys/{key_id}/revoke",
    operation_id="revoke_api_key",
    summary="Revoke an API key",
    **problems("not_found", body=True),
)
@access("keys:write", is_body_optional=True)
async def post_revocation(context: CallContext, body: RevocationBody, key_id: str) -> RevocationAnswer:  # noqa: ARG001  an empty object
    """End a key for ever: its next request fails. Also the own key can be revoked; the answer says so."""
    services: Services = context.services
    result = await revoke_api_key(services.sessions, context.client, read_path_id("key", key_id))
    if result is None:
        raise ProblemError("not_found")
    return RevocationAnswer(**fields_of(result.key), is_own_key=result.is_own, managers_left=result.managers_left)


def _show_secret(new: NewKey, status: int) -> Response:
    """Show a secret in an answer that nobody may keep on the way."""
    answer = NewKeyAnswer(**fields_of(new.key), secret=new.secret)
    return Response(answer.model_dump_json(), status, {"cache-control": "no-store"}, "application/json")


def _excess_problem(excess: Excess, asked: list[str] | None) -> ProblemError:
    """Point to what was asked for; a rotation asks for nothing, so it names the scopes in details only."""
    faults = [
        Fault(f"/scopes/{place}", "scope_not_held", "is not a scope of the key that asks")
        for place, scope in enumerate(asked or ())
        if scope in excess.scopes
    ]
    places = (("location", excess.leaves_location), ("till", excess.leaves_till))
    faults += [
        Fault(f"/{name}", "outside_reach", f"must be the {name} of the key that asks")
        for name, is_left in places
        if is_left
    ]
    return ProblemError("grant_exceeds_caller", errors=faults, details={"scopes": list(excess.scopes)})


def _expiry_problem() -> ProblemError:
    return ProblemError("validation_failed", errors=[Fault("/expires_at", "in_past", "must lie in the future")])
