"""Issuing: how an API key comes to be, whoever grants it. Everything that creates an application does it here."""

from uuid_utils.compat import uuid7

from loyalty_engine.application.grants import Grant, NewKey
from loyalty_engine.application.scopes import in_order
from loyalty_engine.application.tokens import make_token
from loyalty_engine.persistence.clients import add_client, add_key, read_key
from loyalty_engine.persistence.connections import Connection


async def issue(connection: Connection, program_id: int, grant: Grant) -> NewKey:
    """Create an application with one key inside the connection's transaction. Whether it may be so is judged before."""
    key_id = uuid7()
    token = make_token(program_id, grant.mode)
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
    return NewKey(await read_key(connection, program_id, key_id), token.text)
