"""Create an API key: an application of its own, with one secret, which is shown once and kept as a hash."""

from datetime import datetime

import structlog

from loyalty_engine.application.grants import Excess, ExpiryPassed, Grant, NewKey, find_excess
from loyalty_engine.application.issuing import issue
from loyalty_engine.persistence.clients import Client
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
    program_id = granter.program_id
    async with sessions.open_for(program_id, granter.id, granter.generation, is_read_only=False) as connection:
        new = await issue(connection, program_id, grant)
    _log.info("api_key_created", program=program_id, key=str(new.key.id), by_key=str(granter.key_id))
    return new
