"""API clients and their keys. Secrets are kept as SHA-256 only; every change raises the client's generation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from loyalty_engine.persistence.connections import Connection

_FIND: Final = """
SELECT c.id, c.program_id, c.name, c.scopes, c.location, c.till, c.generation, k.id AS key_id,
       extract(epoch FROM k.expires_at - now())::float8 AS key_seconds
  FROM loyalty.api_key k
  JOIN loyalty.api_client c ON c.program_id = k.program_id AND c.id = k.client_id
 WHERE k.program_id = $1 AND k.hash = $2 AND k.revoked_at IS NULL
   AND (k.expires_at IS NULL OR k.expires_at > now())
"""

_LIST: Final = """
SELECT k.id, k.client_id, c.name, c.scopes, c.location, c.till, k.hint, k.created_at, k.expires_at, k.revoked_at,
       k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AS is_live
  FROM loyalty.api_key k
  JOIN loyalty.api_client c ON c.program_id = k.program_id AND c.id = k.client_id
 WHERE k.program_id = $1 AND ($2::uuid IS NULL OR k.id = $2) AND ($3::uuid IS NULL OR k.id < $3)
 ORDER BY k.id DESC LIMIT $4
"""

_COUNT_LIVE: Final = """
SELECT count(*)
  FROM loyalty.api_key k
  JOIN loyalty.api_client c ON c.program_id = k.program_id AND c.id = k.client_id
 WHERE k.program_id = $1 AND ($2::int IS NULL OR c.id = $2) AND ($3::text IS NULL OR $3 = ANY (c.scopes))
   AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""

_RAISE_GENERATION: Final = """
UPDATE loyalty.api_client SET generation = generation + 1 WHERE program_id = $1 AND id = $2
"""


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated application: what it may do and where it stands.

    ``key_id`` is the key it showed, ``key_seconds`` how much longer that one lived when it was looked up.
    """

    id: int
    program_id: int
    name: str
    scopes: frozenset[str]
    location: str | None
    till: str | None
    generation: int
    key_id: UUID
    key_seconds: float | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it can be shown: everything but the secret."""

    id: UUID
    client_id: int
    name: str
    scopes: tuple[str, ...]
    location: str | None
    till: str | None
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    is_live: bool


async def find_client(connection: Connection, program_id: int, secret_hash: bytes) -> Client | None:
    """Return the client of a live key."""
    row = await connection.fetchrow(_FIND, program_id, secret_hash)
    if row is None:
        return None
    return Client(**{**dict(row), "scopes": frozenset(row["scopes"])})


async def add_client(
    connection: Connection, program_id: int, *, name: str, scopes: list[str], location: str | None, till: str | None
) -> int:
    """Add an application without keys; return its id."""
    return int(
        await connection.fetchval(
            "INSERT INTO loyalty.api_client (program_id, name, scopes, location, till) VALUES ($1, $2, $3, $4, $5) "
            "RETURNING id",
            program_id,
            name,
            scopes,
            location,
            till,
        )
    )


async def add_key(
    connection: Connection,
    program_id: int,
    *,
    key_id: UUID,
    client_id: int,
    secret_hash: bytes,
    hint: str,
    expires_at: datetime | None,
) -> None:
    """Add a key to a client."""
    await connection.execute(
        "INSERT INTO loyalty.api_key (program_id, id, client_id, hash, hint, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        program_id,
        key_id,
        client_id,
        secret_hash,
        hint,
        expires_at,
    )


async def lock_client(connection: Connection, program_id: int, client_id: int) -> None:
    """Let nobody else change the client's keys before this transaction ends."""
    await connection.execute(
        "SELECT FROM loyalty.api_client WHERE program_id = $1 AND id = $2 FOR UPDATE", program_id, client_id
    )


async def expire_other_keys(
    connection: Connection, program_id: int, *, client_id: int, keep: UUID, after: timedelta
) -> None:
    """Let a client's other live keys end ``after`` so long at the latest, so that a rotation needs no standstill."""
    await connection.execute(
        "UPDATE loyalty.api_key SET expires_at = least(expires_at, now() + $4::interval) "
        "WHERE program_id = $1 AND client_id = $2 AND id <> $3 AND revoked_at IS NULL",
        program_id,
        client_id,
        keep,
        after,
    )
    await connection.execute(_RAISE_GENERATION, program_id, client_id)


async def revoke_key(connection: Connection, program_id: int, key_id: UUID) -> bool:
    """End a key now and for ever; False when there is no such key."""
    client_id = await connection.fetchval(
        "UPDATE loyalty.api_key SET revoked_at = coalesce(revoked_at, now()) WHERE program_id = $1 AND id = $2 "
        "RETURNING client_id",
        program_id,
        key_id,
    )
    if client_id is None:
        return False
    await connection.execute(_RAISE_GENERATION, program_id, client_id)
    return True


async def list_keys(
    connection: Connection, program_id: int, *, key_id: UUID | None = None, before: UUID | None = None, limit: int
) -> list[Key]:
    """Return keys, newest first; with ``key_id`` only that one."""
    rows = await connection.fetch(_LIST, program_id, key_id, before, limit)
    return [Key(**{**dict(row), "scopes": tuple(row["scopes"])}) for row in rows]


async def find_key(connection: Connection, program_id: int, key_id: UUID) -> Key | None:
    """Return one key."""
    found = await list_keys(connection, program_id, key_id=key_id, limit=1)
    return found[0] if found else None


async def read_key(connection: Connection, program_id: int, key_id: UUID) -> Key:
    """Return a key that is known to exist; keys are never deleted."""
    key = await find_key(connection, program_id, key_id)
    assert key is not None
    return key


async def count_live_keys(
    connection: Connection, program_id: int, *, client_id: int | None = None, scope: str | None = None
) -> int:
    """Return how many keys are live; with ``client_id`` of that client, with ``scope`` of those that have it."""
    return int(await connection.fetchval(_COUNT_LIVE, program_id, client_id, scope))
