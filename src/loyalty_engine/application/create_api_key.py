"""Create an API key: an application of its own, with one secret, which is shown once and kept as a hash."""

from datetime import datetime

import structlog
from uuid_utils.compat import uuid7

from loyalty_engine.application.grants import Excess, ExpiryPassed, Grant, NewKey, find_excess
from loyalty_engine.application.scopes import in_order
from loyalty_engine.application.tokens import make_token
from loyalty_engine.persistence.clients import Client, add_client, add_key, read_key
from loyalty_engine.persistence.sessions import Sessions

_log = structlog.get_logger()


async def create_api_key(
    sessions: Sessions, granter: Client, grant: Grant, *, now: datetime
) -> NewKey | Excess | ExpiryPassed:
    """Create a key that may do no more than ``granter``. ``now`` is real time, as is the expiry of keys."""
    if grant.expires_at is not None and grant.expires_at <= now:
        return ExpiryPassed()
    excess = find_excess(granter, grant.scopes, grant.location, grant.till)
    if excess is not None:
        return excess
    program_id, key_id = granter.program_id, uuid7()
    token = make_token(program_id, grant.mode)
    async with sessions.open_for(program_id, granter.id, granter.generation, is_read_only=False) as connection:
        client_id = await add_client(
            connection,
            program_id,
            name=grant.name,
            scopes=list(in_order(grant.scopes)),
            location=grant.location,
            till=grant.till,
        )
        await add_key(
            connection,
            program_id,
            key_id=key_id,
            client_id=client_id,
            secret_hash=token.hash,
            hint=token.hint,
            expires_at=grant.expires_at,
        )
        key = await read_key(connection, program_id, key_id)
    _log.info("api_key_created", program=program_id, key=str(key_id), by_key=str(granter.key_id))
    return NewKey(key, token.text)
