"""Connections to PostgreSQL: which role, which time-outs, and which faults mean that it is away."""

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from loyalty_engine.persistence.errors import UnavailableError

if TYPE_CHECKING:
    from asyncpg.connection import Connection as _Connection

    Connection: TypeAlias = _Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

APPLICATION_ROLE: Final = "loyalty_app"
OWNER_ROLE: Final = "loyalty_owner"

_CONNECT_SECONDS: Final = 5.0

_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}

SHUT_GATE: Final = "SELECT pg_advisory_xact_lock(hashtext('loyalty.gate'))"
"""Keeps new connections out until the transaction ends. Who passed before shows in pg_stat_activity as ``loyalty …``."""

_WAIT_AT_GATE: Final = "SELECT pg_advisory_xact_lock_shared(hashtext('loyalty.gate'))"

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.PostgresSystemError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Faults of the database or the way to it, never of the request: callers get 503 and may come back."""


async def connect(url: str, *, role: str = APPLICATION_ROLE, **settings: str) -> Connection:
    """Open a connection that acts as ``role``; raise :class:`UnavailableError` when there is no database."""
    server_settings = {**_SETTINGS, "role": role, "application_name": f"loyalty {role}", **settings}
    try:
        connection: Connection = await asyncpg.connect(
            url, timeout=_CONNECT_SECONDS, command_timeout=30.0, server_settings=server_settings
        )
        await _pass_gate(connection)
    except AWAY as error:
        raise UnavailableError from error
    return connection


async def connect_as_application(url: str) -> Connection:
    """Open a connection for requests: whatever keeps us out, a wrong password too, is a database that is away."""
    try:
        return await connect(url)
    except asyncpg.PostgresError as error:
        raise UnavailableError from error


def create_pool(url: str, *, size: int) -> "asyncpg.Pool[asyncpg.Record]":
    """Return a lazy pool for reads and administration; it connects on first use."""
    pool: Any = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=_CONNECT_SECONDS,
        command_timeout=30.0,
        server_settings={**_SETTINGS, "role": APPLICATION_ROLE, "application_name": "loyalty reads"},
        init=_pass_gate,
    )
    return pool


async def _pass_gate(connection: Connection) -> None:
    """Wait, as long as for any lock, while history moves; then the connection is of no use."""
    try:
        await connection.execute(_WAIT_AT_GATE)
    except asyncpg.LockNotAvailableError:
        connection.terminate()
        raise UnavailableError("`loyalty migrate` is moving history") from None
