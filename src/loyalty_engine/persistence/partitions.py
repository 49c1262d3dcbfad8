"""Partitions by month, made ahead, for the history that only grows.

The ids of those tables are UUIDv7, which start with their time, so a month is a range of ids. Rows of a month without
a partition go to DEFAULT, which works but slows down with its size and cannot be pruned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from loyalty_engine.persistence.connections import AWAY, OWNER_ROLE, Connection, connect

MONTHS_AHEAD: Final = 3
_MONTHS: Final = 12
_TIME_SHIFT: Final = 80
"""A UUIDv7 is 48 bits of milliseconds since 1970 and 80 other bits."""

_FIND_MISSING: Final = """
SELECT t.relname AS name, m.number
  FROM pg_class t
 CROSS JOIN unnest($1::text[]) WITH ORDINALITY m(suffix, number)
 WHERE t.relkind = 'p' AND t.relnamespace = 'loyalty'::regnamespace AND pg_get_partkeydef(t.oid) = 'RANGE (id)'
   AND NOT EXISTS (SELECT FROM pg_class p
                    WHERE p.relnamespace = t.relnamespace AND p.relname = concat(t.relname, '_', m.suffix))
 ORDER BY m.number, t.relname
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @property
    def next(self) -> "Month":
        """The month after this one."""
        return Month(self.year + self.number // _MONTHS, self.number % _MONTHS + 1)

    @property
    def first_id(self) -> UUID:
        """The lowest id that can be made in this month; every id of an earlier one is below it."""
        start = datetime(self.year, self.number, 1, tzinfo=UTC)
        return UUID(int=int(start.timestamp()) * 1000 << _TIME_SHIFT)

    @property
    def suffix(self) -> str:
        """What follows a table's name in that of its partition for this month."""
        return f"{self.year:04}_{self.number:02}"


def months_from(now: datetime, count: int) -> Iterator[Month]:
    """Yield the month of ``now`` and those after it, ``count`` in all."""
    utc = now.astimezone(UTC)
    month = Month(utc.year, utc.month)
    for _ in range(count):
        yield month
        month = month.next


async def make_partitions(url: str, now: datetime) -> list[str]:
    """Make the partitions of this month and the next three; return the names of those that were not there.

    Idempotent. Whatever stands in the way (a month whose rows are in DEFAULT already, a table that is busy, no right
    to act as the owner) is logged and left: DEFAULT takes the rows.
    """
    try:
        connection = await connect(url, role=OWNER_ROLE, lock_timeout="1s")
    except asyncpg.PostgresError as error:
        _log.warning("partitions_skipped", reason=type(error).__name__)
        return []
    try:
        months = list(months_from(now, 1 + MONTHS_AHEAD))
        rows = await connection.fetch(_FIND_MISSING, [month.suffix for month in months])
        missing = [(row["name"], months[row["number"] - 1]) for row in rows]
        return [f"{table}_{month.suffix}" for table, month in missing if await _make(connection, table, month)]
    finally:
        connection.terminate()


async def _make(connection: Connection, table: str, month: Month) -> bool:
    """Make one partition in a transaction of its own: it locks the table for a moment, and waits a second at most."""
    name = f"{table}_{month.suffix}"
    try:
        await connection.execute(
            f'CREATE TABLE loyalty."{name}" PARTITION OF loyalty."{table}" '
            f"FOR VALUES FROM ('{month.first_id}') TO ('{month.next.first_id}')"
        )
    except asyncpg.DuplicateTableError:
        return False
    except (asyncpg.CheckViolationError, asyncpg.InvalidObjectDefinitionError, *AWAY) as error:
        _log.warning("partition_skipped", partition=name, reason=type(error).__name__)
        return False
    return True
