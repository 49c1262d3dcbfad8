"""Partitions by month, made ahead, for the history that only grows.

Rows of a month without a partition go to DEFAULT, which works but slows down with its size and cannot be pruned. Nothing
here moves a row, so it is safe whoever reads and writes meanwhile; what waits in DEFAULT is for ``strays``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog

from loyalty_engine.meters import METERS
from loyalty_engine.persistence.connections import AWAY, OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.months import Month, month_of, months_from

MONTHS_AHEAD: Final = 3
PATIENCE_SECONDS: Final = 3600.0
"""How long we wait for a statement that PostgreSQL does not end by itself."""

_NEAR: Final = timedelta(hours=1)
"""How long before a month somebody may already write ids of it: clocks differ, and a statement may take its time."""

_FIND_MISSING: Final = """
SELECT t.relname AS name, m.number
  FROM pg_class t
 CROSS JOIN unnest($1::text[]) WITH ORDINALITY m(suffix, number)
 WHERE t.relkind = 'p' AND t.relnamespace = 'loyalty'::regnamespace AND pg_get_partkeydef(t.oid) = 'RANGE (id)'
   AND NOT EXISTS (SELECT FROM pg_class p
                    WHERE p.relnamespace = t.relnamespace AND p.relname = concat(t.relname, '_', m.suffix))
 ORDER BY m.number, t.relname
"""

LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('loyalty.partitions'))"
"""Lets only one transaction at a time make partitions."""

_HAS_ROWS: Final = 'SELECT EXISTS (SELECT FROM loyalty."{table}_default" WHERE id >= $1 AND id < $2)'

_log = structlog.get_logger()


async def make_partitions(url: str, now: datetime) -> list[str]:
    """Make the partitions of this month and the next three; return the names of those that were not there.

    A month that has rows in DEFAULT is left to `loyalty migrate`. Idempotent, for many callers at once, while anybody
    reads and writes. Whatever else stands in the way (a table that is busy, no right to act as the owner) is logged,
    counted and left: DEFAULT takes the rows, and the next call tries again. Raises :class:`UnavailableError` when there
    is no database.
    """
    connection = await connect_as_owner(url)
    if connection is None:
        return []
    try:
        missing = await _find_missing(connection, months_from(now, 1 + MONTHS_AHEAD))
        latest_near = month_of(now + _NEAR)
        return [
            partition_name(table, month)
            for table, month in missing
            if await _try_to_make(connection, table, month, is_near=month.first_id <= latest_near.first_id)
        ]
    finally:
        connection.terminate()


async def connect_as_owner(url: str, **settings: str) -> Connection | None:
    """Open a connection that waits a second at most for any lock; None, logged and counted, without the right to."""
    try:
        return await connect(url, role=OWNER_ROLE, lock_timeout="1s", **settings)
    except asyncpg.PostgresError as error:
        METERS.partition_faults += 1
        _log.warning("partitions_skipped", reason=type(error).__name__)
        return None


def partition_name(table: str, month: Month) -> str:
    """Return what the partition of a table for a month is called."""
    return f"{table}_{month.suffix}"


async def create_beside(connection: Connection, table: str, month: Month) -> None:
    """Make the table of a month beside the others; nobody waits for that."""
    await connection.execute(
        f'CREATE TABLE loyalty."{partition_name(table, month)}" '
        f'(LIKE loyalty."{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
    )


async def attach(connection: Connection, table: str, month: Month) -> None:
    """Make that table a partition: unlike CREATE ... PARTITION OF this waits for nobody who writes.

    PostgreSQL refuses when DEFAULT has rows of the month. Whoever is about to write such a row to DEFAULT fails, and
    whoever reads with a snapshot from before finds none that was moved, so each caller says why neither can be.
    """
    await connection.execute(
        f'ALTER TABLE loyalty."{table}" ATTACH PARTITION loyalty."{partition_name(table, month)}" '
        f"FOR VALUES FROM ('{month.first_id}') TO ('{month.next.first_id}')",
        timeout=PATIENCE_SECONDS,
    )


async def lock_out(connection: Connection, table: str) -> None:
    """Let nobody else use a table until the transaction ends; who waits for it sees its partitions as they are then."""
    await connection.execute(f'LOCK TABLE loyalty."{table}" IN ACCESS EXCLUSIVE MODE')


async def _find_missing(connection: Connection, wanted: Iterable[Month]) -> list[tuple[str, Month]]:
    months = list(wanted)
    rows = await connection.fetch(_FIND_MISSING, [month.suffix for month in months])
    return [(row["name"], months[row["number"] - 1]) for row in rows]


async def _try_to_make(connection: Connection, table: str, month: Month, *, is_near: bool) -> bool:
    """Make one partition in a transaction of its own, which waits a second at most for any lock."""
    try:
        async with connection.transaction():
            return await _make(connection, table, month, is_near=is_near)
    except asyncpg.DuplicateTableError:
        return False
    except (asyncpg.PostgresError, *AWAY) as error:
        return skip(table, month, type(error).__name__)


async def _make(connection: Connection, table: str, month: Month, *, is_near: bool) -> bool:
    """Make one partition, of a month of which nobody writes yet, or else with everybody locked out.

    Locked out, whoever was writing is done, and PostgreSQL sees the row; whoever comes later knows the partition.
    """
    await connection.execute(LOCK)
    if await connection.fetchval(_HAS_ROWS.format(table=table), month.first_id, month.next.first_id):
        return skip(table, month, "rows in DEFAULT; stop the service and run `loyalty migrate`")
    await create_beside(connection, table, month)
    if is_near:
        await lock_out(connection, table)
    await attach(connection, table, month)
    return True


def skip(table: str, month: Month, reason: str) -> bool:
    """Log and count that a partition was not made, and return that."""
    METERS.partition_faults += 1
    _log.warning("partition_skipped", partition=partition_name(table, month), reason=reason)
    return False
