"""What a day moved, summed up from its postings: the sides of the program have no balances of their own, only sums."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.months import first_id_of, made_at

_FIND_LAST: Final = "SELECT max(day) FROM loyalty.posting_day"

_FIND_FIRST_ID: Final = """
SELECT min(first.id::text)
  FROM loyalty.program p
 CROSS JOIN LATERAL (SELECT o.id FROM loyalty.operation o WHERE o.program_id = p.id ORDER BY o.id LIMIT 1) first
"""

_SUM_UP: Final = """
INSERT INTO loyalty.posting_day (program_id, day, wallet, source, destination, postings, amount)
SELECT program_id, $1::date, wallet, source, destination, count(*), sum(amount)
  FROM loyalty.posting
 WHERE id >= $2 AND id < $3
 GROUP BY program_id, wallet, source, destination
    ON CONFLICT DO NOTHING
"""

_LIST: Final = """
SELECT day, wallet, source, destination, postings, amount
  FROM loyalty.posting_day
 WHERE program_id = $1 AND day >= $2 AND day < $3
 ORDER BY day, wallet, source, destination
"""


@dataclass(frozen=True, slots=True)
class DaySum:
    """What went from one account to another on a day (UTC), in one wallet."""

    day: date
    wallet: str
    source: str
    destination: str
    postings: int
    amount: int


async def find_unsummed(connection: Connection, end: date) -> list[date]:
    """Return the days before ``end`` that nobody summed up since the last one. Needs the owner's role."""
    last: date | None = await connection.fetchval(_FIND_LAST)
    if last is not None:
        start = last + timedelta(days=1)
    else:
        first_id: str | None = await connection.fetchval(_FIND_FIRST_ID)
        start = end if first_id is None else made_at(UUID(first_id)).date()
    return [start + timedelta(days=n) for n in range((end - start).days)]


async def sum_up_day(connection: Connection, day: date) -> int:
    """Sum up what a finished day moved, in all programs; return how many sums that are. Needs the owner's role.

    A day that was summed up before stays as it is.
    """
    bounds = first_id_of(day), first_id_of(day + timedelta(days=1))
    return int((await connection.execute(_SUM_UP, day, *bounds)).rpartition(" ")[2])


async def list_day_sums(connection: Connection, program_id: int, start: date, end: date) -> list[DaySum]:
    """Return the sums of the days from ``start`` up to, but not including, ``end``."""
    rows: list[Any] = await connection.fetch(_LIST, program_id, start, end)
    return [DaySum(**dict(row)) for row in rows]
