"""Partitions by month, made ahead, for the history that only grows.

Rows of a month without a partition go to DEFAULT, which works but slows down with its size and cannot be pruned. Who
makes the partition later takes them along.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from loyalty_engine.meters import METERS
from loyalty_engine.persistence.connections import AWAY, OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.months import Month, month_of, months_from

MONTHS_AHEAD: Final = 3
MOST_MOVED: Final = 20_000
"""Rows that are taken out of DEFAULT while others write: under a second, in which they wait."""

_PATIENCE_SECONDS: Final = 3600.0

_FIND_MISSING: Final = """
SELECT t.relname AS name, m.number
  FROM pg_class t
 CROSS JOIN unnest($1::text[]) WITH ORDINALITY m(suffix, number)
 WHERE t.relkind = 'p' AND t.relnamespace = 'loyalty'::regnamespace AND pg_get_partkeydef(t.oid) = 'RANGE (id)'
   AND NOT EXISTS (SELECT FROM pg_class p
                    WHERE p.relnamespace = t.relnamespace AND p.relname = concat(t.relname, '_', m.suffix))
 ORDER BY m.number, t.relname
"""

_FIND_TABLES: Final = """
SELECT t.relname AS name FROM pg_class t
 WHERE t.relkind = 'p' AND t.relnamespace = 'loyalty'::regnamespace AND pg_get_partkeydef(t.oid) = 'RANGE (id)'
 ORDER BY 1
"""

_FIND_STRAYS: Final = """
SELECT DISTINCT date_trunc('month', to_timestamp(('x' || left(translate(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0), 'UTC')
  FROM loyalty."{table}_default" WHERE id < $1 AND substr(id::text, 15, 1) = '7'
"""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('loyalty.partitions'))"

_COUNT_STRAYS: Final = (
    'SELECT count(*) FROM (SELECT FROM loyalty."{table}_default" WHERE id >= $1 AND id < $2 LIMIT $3) x'
)

_MOVE: Final = """
WITH moved AS (DELETE FROM loyalty."{table}_default" WHERE id >= $1 AND id < $2 RETURNING *)
INSERT INTO loyalty."{name}" SELECT * FROM moved
"""

_log = structlog.get_logger()


async def make_partitions(url: str, now: datetime, *, most_moved: int | None = MOST_MOVED) -> list[str]:
    """Make the partitions of this month and the next three; return the names of those that were not there.

    Rows that wait in DEFAULT for one of them move along, up to ``most_moved`` in each table; None moves all, and those
    of earlier months too, for which writers and readers of DEFAULT wait. Idempotent, for many callers at once. Whatever
    else stands in the way (a table that is busy, no right to act as the owner) is logged, counted and left: DEFAULT
    takes the rows, and the next call tries again. Raises :class:`UnavailableError` when there is no database.
    """
    try:
        connection = await connect(
            url, role=OWNER_ROLE, lock_timeout="1s", statement_timeout="5s" if most_moved is not None else "0"
        )
    except asyncpg.PostgresError as error:
        METERS.partition_faults += 1
        _log.warning("partitions_skipped", reason=type(error).__name__)
        return []
    try:
        missing = await _find_missing(connection, months_from(now, 1 + MONTHS_AHEAD))
        if most_moved is None:
            missing = await _find_strays(connection, month_of(now)) + missing
        return [_name(*each) for each in missing if await _try_to_make(connection, *each, most_moved=most_moved)]
    finally:
        connection.terminate()


async def tend_partitions(url: str, *, clock: Callable[[], datetime], pauses: Iterable[float]) -> None:
    """After each pause, in seconds, make what is missing by then: a service that runs for months needs no restart.

    A failure is logged and counted, and the next pause begins.
    """
    for seconds in pauses:
        await asyncio.sleep(seconds)
        try:
            made = await make_partitions(url, clock())
        except (UnavailableError, asyncpg.PostgresError, *AWAY) as error:
            METERS.partition_faults += 1
            _log.warning("partitions_skipped", reason=type(error).__name__)
            continue
        if made:
            _log.info("partitions_made", count=len(made), last=made[-1])


async def _find_missing(connection: Connection, wanted: Iterable[Month]) -> list[tuple[str, Month]]:
    months = list(wanted)
    rows = await connection.fetch(_FIND_MISSING, [month.suffix for month in months])
    return [(row["name"], months[row["number"] - 1]) for row in rows]


async def _find_strays(connection: Connection, this: Month) -> list[tuple[str, Month]]:
    """Return the earlier months that have rows in DEFAULT, table by table."""
    found = []
    for row in await connection.fetch(_FIND_TABLES):
        query = _FIND_STRAYS.format(table=row["name"])
        starts = [start for (start,) in await connection.fetch(query, this.first_id, timeout=_PATIENCE_SECONDS)]
        found += [(row["name"], month_of(start)) for start in sorted(starts)]
    return found


async def _try_to_make(connection: Connection, table: str, month: Month, *, most_moved: int | None) -> bool:
    """Make one partition in a transaction of its own, which waits a second at most for any lock."""
    try:
        async with connection.transaction():
            return await _make(connection, table, month, most_moved=most_moved)
    except asyncpg.DuplicateTableError:
        return False
    except (asyncpg.PostgresError, *AWAY) as error:
        METERS.partition_faults += 1
        _log.warning("partition_skipped", partition=_name(table, month), reason=type(error).__name__)
        return False


async def _make(connection: Connection, table: str, month: Month, *, most_moved: int | None) -> bool:
    """Attach a table made beside the others: unlike CREATE ... PARTITION OF this waits for nobody who writes."""
    name, bounds = _name(table, month), (month.first_id, month.next.first_id)
    await connection.execute(_LOCK)
    limit = None if most_moved is None else most_moved + 1
    strays = await connection.fetchval(_COUNT_STRAYS.format(table=table), *bounds, limit, timeout=_PATIENCE_SECONDS)
    if most_moved is not None and strays > most_moved:
        METERS.partition_faults += 1
        _log.warning("partition_skipped", partition=name, reason="too many rows in DEFAULT; run `loyalty migrate`")
        return False
    await connection.execute(
        f'CREATE TABLE loyalty."{name}" (LIKE loyalty."{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
    )
    if strays:
        await connection.execute(f'LOCK TABLE loyalty."{table}_default" IN ACCESS EXCLUSIVE MODE')
        await connection.execute(_MOVE.format(table=table, name=name), *bounds, timeout=_PATIENCE_SECONDS)
    await connection.execute(
        f'ALTER TABLE loyalty."{table}" ATTACH PARTITION loyalty."{name}" '
        f"FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')",
        timeout=_PATIENCE_SECONDS,
    )
    return True


def _name(table: str, month: Month) -> str:
    return f"{table}_{month.suffix}"
