"""From an HTTP request's context to the call that surrounds a request of the engine, or to the session of a read."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import Context
from loyalty_engine.api.schemas.fields import parse_member_ref
from loyalty_engine.application.composition import Services
from loyalty_engine.core.engine.requests import Actor, Call, MemberRef
from loyalty_engine.core.kernel.ids import InvalidIdError, Prefix, read_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.members import find_member_id, find_standing_id


def begin_call(context: Context, *, scope: str = "") -> Call:
    """Return the call of a fresh operation; ``scope`` keeps apart the idempotency keys of tills that share a client."""
    return Call(
        operation_id=uuid7(),
        actor=actor_of(context),
        request_hash=context.request_hash,
        key=context.key,
        scope=scope,
    )


def actor_of(context: Context) -> Actor:
    """Return who asks, as the engine knows it."""
    client = context.client
    return Actor(client.id, client.location, client.till)


def read_path_id(prefix: Prefix, text: str) -> UUID:
    """Return the id in a path; what cannot be one is simply not there."""
    try:
        return read_id(prefix, text)
    except InvalidIdError:
        raise ProblemError("not_found") from None


def read_path_member(text: str) -> MemberRef:
    """Return the member in a path: ``mem_…`` or ``kind:value``."""
    try:
        return parse_member_ref(text)
    except ValueError:
        raise ProblemError("member_not_found") from None


def open_session(context: Context) -> AbstractAsyncContextManager[Connection]:
    """Open the snapshot of one read: it sees the caller's program only, and fails when its key was revoked."""
    services: Services = context.services
    client = context.client
    return services.sessions.open_for(client.program_id, client.id, client.generation)


def open_writing_session(context: Context) -> AbstractAsyncContextManager[Connection]:
    """Open the transaction of a write that is no loyalty state: it reaches the caller's program only."""
    services: Services = context.services
    client = context.client
    return services.sessions.open_for(client.program_id, client.id, client.generation, is_read_only=False)


def open_check(context: Context) -> AbstractAsyncContextManager[Connection]:
    """Open the same kind of snapshot for what looks at every member; while another one is open it is unavailable."""
    services: Services = context.services
    client = context.client
    return services.checks.open_for(client.program_id, client.id, client.generation)


async def require_member_id(context: Context, session: Connection, text: str) -> UUID:
    """Return the id of the member in a path; raise :class:`ProblemError` when there is none.

    One that was merged into another is found by its own id only.
    """
    member_id = await find_member_id(session, context.client.program_id, read_path_member(text))
    if member_id is None:
        raise ProblemError("member_not_found")
    return member_id


async def require_standing_id(context: Context, session: Connection, text: str) -> UUID:
    """Return the id of the member that stands for the one in a path: another one, if that was merged into it."""
    member_id = await require_member_id(context, session, text)
    return await find_standing_id(session, context.client.program_id, member_id) or member_id


async def read_clock(context: Context) -> datetime:
    """Return what the clock of the caller's program shows."""
    services: Services = context.services
    return await services.clocks.now(context.client.program_id)
