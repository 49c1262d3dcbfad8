"""Rotate an API key: a new secret for the same application, while the old one lives on for an agreed while.

Idempotency keys belong to the application, so a request begun with the old secret can be retried with the new one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from loyalty_engine.application.grants import Excess, ExpiryPassed, NewKey, find_excess
from loyalty_engine.application.tokens import make_token, mode_of
from loyalty_engine.persistence import clients
from loyalty_engine.persistence.clients import Client, Key
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.sessions import Sessions

MAX_LIVE: Final = 2
"""How many keys of one application live at once: the old and the new one."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such key."""


@dataclass(frozen=True, slots=True)
class NotLive:
    """The key has ended; only a live one can be rotated."""


@dataclass(frozen=True, slots=True)
class RotationOpen:
    """The application has two live keys already; a third would have to end one earlier than was promised."""


Rotated = NewKey | Missing | NotLive | RotationOpen | Excess | ExpiryPassed


async def rotate_api_key(
    sessions: Sessions, granter: Client, key_id: UUID, *, overlap: timedelta, expires_at: datetime | None, now: datetime
) -> Rotated:
    """Give a key's application a new secret; the old one ends after ``overlap``, at once when that is zero.

    The new key ends at ``expires_at``, by default when the old one would have. Whoever rotates a key learns a secret
    with all its rights, so it must have them itself.
    """
    if expires_at is not None and expires_at <= now:
        return ExpiryPassed()
    async with sessions.open_for(granter.program_id, granter.id, granter.generation, is_read_only=False) as connection:
        old = await clients.find_key(connection, granter.program_id, key_id)
        if old is None:
            return Missing()
        excess = find_excess(granter, old.scopes, old.location, old.till)
        if excess is not None:
            return excess
        refusal = await _find_refusal(connection, granter.program_id, old)
        if refusal is not None:
            return refusal
        result = await _replace(connection, granter.program_id, old, overlap=overlap, expires_at=expires_at)
    _log.info("api_key_rotated", program=granter.program_id, key=str(result.key.id), by_key=str(granter.key_id))
    return result


async def _find_refusal(connection: Connection, program_id: int, old: Key) -> NotLive | RotationOpen | None:
    """Look again under the client's lock: of two rotations at once the second sees the first."""
    await clients.lock_client(connection, program_id, old.client_id)
    current = await clients.read_key(connection, program_id, old.id)
    if not current.is_live:
        return NotLive()
    live = await clients.count_live_keys(connection, program_id, client_id=old.client_id)
    return RotationOpen() if live >= MAX_LIVE else None


async def _replace(
    connection: Connection, program_id: int, old: Key, *, overlap: timedelta, expires_at: datetime | None
) -> NewKey:
    token = make_token(program_id, mode_of(old.hint))
    new_id = uuid7()
    await clients.add_key(
        connection,
        program_id,
        key_id=new_id,
        client_id=old.client_id,
        secret_hash=token.hash,
        hint=token.hint,
        expires_at=expires_at or old.expires_at,
    )
    await clients.expire_other_keys(connection, program_id, client_id=old.client_id, keep=new_id, after=overlap)
    return NewKey(await clients.read_key(connection, program_id, new_id), token.text)
