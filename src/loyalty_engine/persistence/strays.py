"""Strays: rows that came while their month had no partition, and wait in DEFAULT.

Which partitions a statement reads is decided by the newest state of the table, which rows it sees by its snapshot. One
that began before a row moved, and reads after, looks for it in its new place only and finds nothing. So rows move only
while nobody is connected, and whoever wants to connect waits at the gate (see ``connections``) until they have moved.
"""

import asyncio
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from loyalty_engine.persistence.connections import AWAY, SHUT_GATE, Connection
from loyalty_engine.persistence.months import Month, month_of, months_from
from loyalty_engine.persistence.partitions import (
    LOCK,
    MONTHS_AHEAD,
    PATIENCE_SECONDS,
    attach,
    connect_as_owner,
    create_beside,
    lock_out,
    partition_name,
    skip,
)

_LOOKS: Final = 20
_PAUSE_SECONDS: Final = 0.1
"""A service that was stopped just now still shows its connections for a moment."""

_COUNT_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'loyalty %'
"""

_FIND_TABLES: Final = """
SELECT t.relname AS name FROM pg_class t
 WHERE t.relkind = 'p' AND t.relnamespace = 'loyalty'::regnamespace AND pg_get_partkeydef(t.oid) = 'RANGE (id)'
 ORDER BY 1
"""

_FIND_MONTHS: Final = """
SELECT DISTINCT date_trunc('month', to_timestamp(('x' || left(translate(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0), 'UTC')
  FROM loyalty."{table}_default" WHERE id < $1 AND substr(id::text, 15, 1) = '7'
"""

_MOVE: Final = """
WITH moved AS (DELETE FROM loyalty."{table}_default" WHERE id >= $1 AND id < $2 RETURNING *)
INSERT INTO loyalty."{name}" SELECT * FROM moved
"""

_log = structlog.get_logger()


async def move_strays(url: str, now: datetime) -> tuple[list[str], list[str]]:
    """Make the partitions of all months that have rows in DEFAULT, and move the rows, however many there are.

    Return the partitions that were made, and those that were not because somebody is connected to the database or uses
    the table. Raises :class:`UnavailableError` when there is no database.
    """
    connection = await connect_as_owner(url, statement_timeout="0")
    if connection is None:
        return [], []
    try:
        wanted = await _find_strays(connection, [*months_from(now, 1 + MONTHS_AHEAD)][-1])
        if wanted:
            await _wait_until_alone(connection)
        made = [each for each in wanted if await _try_to_move(connection, *each)]
    finally:
        connection.terminate()
    return [partition_name(*each) for each in made], [partition_name(*each) for each in wanted if each not in made]


async def _find_strays(connection: Connection, last: Month) -> list[tuple[str, Month]]:
    """Return the months up to ``last`` that have rows in DEFAULT, table by table."""
    found = []
    for row in await connection.fetch(_FIND_TABLES):
        query = _FIND_MONTHS.format(table=row["name"])
        starts = [start for (start,) in await connection.fetch(query, last.next.first_id, timeout=PATIENCE_SECONDS)]
        found += [(row["name"], month_of(start)) for start in sorted(starts)]
    return found


async def _wait_until_alone(connection: Connection) -> None:
    for _ in range(_LOOKS):
        if await connection.fetchval(_COUNT_OTHERS) == 0:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _try_to_move(connection: Connection, table: str, month: Month) -> bool:
    """Make one partition with its rows in a transaction of its own, which waits a second at most for any lock."""
    try:
        async with connection.transaction():
            return await _move(connection, table, month)
    except asyncpg.DuplicateTableError:
        return True
    except (asyncpg.PostgresError, *AWAY) as error:
        return skip(table, month, type(error).__name__)


async def _move(connection: Connection, table: str, month: Month) -> bool:
    """Move the rows behind the shut gate: whoever passed it before is seen here, and the others come when it is done."""
    await connection.execute(SHUT_GATE)
    await connection.execute(LOCK)
    if await connection.fetchval(_COUNT_OTHERS) > 0:
        return skip(table, month, "others are connected")
    await create_beside(connection, table, month)
    await lock_out(connection, table)
    move = _MOVE.format(table=table, name=partition_name(table, month))
    await connection.execute(move, month.first_id, month.next.first_id, timeout=PATIENCE_SECONDS)
    await attach(connection, table, month)
    return True
