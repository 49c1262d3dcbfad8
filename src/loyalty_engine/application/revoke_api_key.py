"""Revoke an API key: it ends now and for ever, in every process, with its next request."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from loyalty_engine.persistence import clients
from loyalty_engine.persistence.clients import Client, Key
from loyalty_engine.persistence.sessions import Sessions

_MANAGES_KEYS: Final = "keys:write"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Revoked:
    """The key has ended. ``is_own`` when it revoked itself; ``managers_left`` live keys can still manage keys."""

    key: Key
    is_own: bool
    managers_left: int


async def revoke_api_key(sessions: Sessions, revoker: Client, key_id: UUID) -> Revoked | None:
    """End a key; None when there is no such key. Revoking it again changes nothing.

    Any key may be revoked, also the own and the last one: a leaked key must never be the one that cannot be stopped.
    The operator makes a new one on the command line.
    """
    program_id = revoker.program_id
    async with sessions.open_for(program_id, revoker.id, revoker.generation, is_read_only=False) as connection:
        if not await clients.revoke_key(connection, program_id, key_id):
            return None
        key = await clients.read_key(connection, program_id, key_id)
        managers_left = await clients.count_live_keys(connection, program_id, scope=_MANAGES_KEYS)
    _log.info("api_key_revoked", program=program_id, key=str(key_id), by_key=str(revoker.key_id))
    return Revoked(key, is_own=key_id == revoker.key_id, managers_left=managers_left)
