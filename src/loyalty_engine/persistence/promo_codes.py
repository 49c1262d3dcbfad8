"""Promo codes: put into their pools, found, listed and changed."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from loyalty_engine.core.kernel.codes import CodePattern, FoldedCode
from loyalty_engine.core.promotions.codes import Bounds
from loyalty_engine.persistence.code_pools import CodePool
from loyalty_engine.persistence.connections import Connection

_ADD_MADE: Final = """
INSERT INTO loyalty.promo_code (program_id, code, pool)
SELECT $1, made, $2 FROM unnest($3::text[]) made
    ON CONFLICT DO NOTHING
"""

_NO_WAITING: Final = "SET LOCAL synchronous_commit = off"

_ADD_TYPED: Final = """
INSERT INTO loyalty.promo_code (program_id, code, pool, shown, turn)
SELECT $1, code, $2, shown, CASE WHEN $5 THEN floor(random() * 2147483647)::integer END
  FROM unnest($3::text[], $4::text[]) typed(code, shown)
 ORDER BY code
    ON CONFLICT DO NOTHING
RETURNING code
"""

_COUNT_IN: Final = """
UPDATE loyalty.code_pool SET codes = codes + $3 WHERE program_id = $1 AND key = $2 AND codes + $3 <= $4
RETURNING codes
"""

_FIND_MANY: Final = "SELECT code, pool, shown FROM loyalty.promo_code WHERE program_id = $1 AND code = ANY ($2::text[])"

_FIND: Final = "SELECT * FROM loyalty.promo_code WHERE program_id = $1 AND code = $2"

_CHANGE: Final = """
UPDATE loyalty.promo_code SET is_active = $3, starts_at = $4, ends_at = $5 WHERE program_id = $1 AND code = $2
"""

_LIST: Final = """
SELECT c.*, (SELECT u.used FROM loyalty.counter u
              WHERE u.program_id = $1 AND u.key = 'code/' || c.code || '/times/lifetime/') AS used
  FROM loyalty.promo_code c
 WHERE c.program_id = $1 AND c.pool = $2 AND c.code > $3 AND c.code <= $4 {}
 ORDER BY c.code LIMIT $5
"""
LIST_BULK: Final = _LIST.format("")
"""A page of a pool whose codes a job made: the key of all codes leads to them."""
LIST_INDEXED: Final = _LIST.format("AND c.shown IS NOT NULL")
"""A page of any other pool: its codes have an index of their own."""

_READ_USED: Final = """
SELECT asked.name, coalesce(u.used, 0) + coalesce((
           SELECT sum(l.amount) FROM loyalty.counter_lease l
            WHERE l.program_id = $1 AND l.counter = asked.name AND l.until > $3), 0) AS used
  FROM unnest($2::text[]) asked(name)
  LEFT JOIN loyalty.counter u ON u.program_id = $1 AND u.key = asked.name
"""

MOST_CODES: Final = 1 << 62
"""More codes than any pool may have."""


class TypedCode(NamedTuple):
    """A code that came from outside: as it is compared, and as people read it."""

    code: FoldedCode
    shown: str


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A code in its pool. Its own times, where it has some, hold within the pool's.

    ``used`` is how often it was used in all, where that is counted and was asked for.
    """

    code: FoldedCode
    pool: str
    shown: str | None
    is_active: bool
    member_id: UUID | None
    issued_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    used: int | None = None

    @property
    def bounds(self) -> Bounds:
        """Its own times."""
        return Bounds(self.starts_at, self.ends_at)

    def show(self, pattern: CodePattern | None) -> str:
        """Return how people read it, if ``pattern`` is that of its pool."""
        if self.shown is not None:
            return self.shown
        return self.code if pattern is None else pattern.show(self.code)


class FullPoolError(Exception):
    """Somebody else filled the pool meanwhile: the transaction must not be committed."""


async def add_made(connection: Connection, program_id: int, key: str, codes: Sequence[FoldedCode], *, most: int) -> int:
    """Put codes that were made, in ascending order, into a pool that may have ``most``; return how many it has then.

    Those that are there already are left out. Raises :class:`FullPoolError`.
    """
    tag: str = await connection.execute(_ADD_MADE, program_id, key, codes)
    return await _count_in(connection, program_id, key, more=int(tag.rpartition(" ")[2]), most=most)


async def copy_made(
    connection: Connection, program_id: int, key: str, codes: Sequence[FoldedCode], *, most: int
) -> int:
    """Do the same in a third of the time. Needs the owner's role, and that none of the codes is there.

    Nobody waits until it is on disk: should the server die before, codes and their count are lost together, and whatever is
    committed later in the ordinary way, such as the end of a job, takes them along. Raises ``UniqueViolationError`` as well;
    after any error the transaction must be rolled back.
    """
    await connection.execute(_NO_WAITING)
    before, after = f"{program_id}\t", f"\t{key}\n"
    rows = f"{before}{f'{after}{before}'.join(codes)}{after}".encode()
    columns = ("program_id", "code", "pool")
    await connection.copy_to_table("promo_code", schema_name="loyalty", columns=columns, source=io.BytesIO(rows))
    return await _count_in(connection, program_id, key, more=len(codes), most=most)


async def add_typed(
    connection: Connection, program_id: int, pool: CodePool, codes: Collection[TypedCode], *, most: int = MOST_CODES
) -> set[FoldedCode]:
    """Put codes that are shown in their own way into a pool; return those that were not there yet, in whichever pool.

    Vouchers wait from then on to be given out. Raises :class:`FullPoolError` beyond ``most``.
    """
    columns = [code.code for code in codes], [code.shown for code in codes]
    rows = await connection.fetch(_ADD_TYPED, program_id, pool.key, *columns, pool.kind == "vouchers")
    await _count_in(connection, program_id, pool.key, more=len(rows), most=most)
    return {row["code"] for row in rows}


async def find_codes(
    connection: Connection, program_id: int, codes: Collection[FoldedCode]
) -> Mapping[FoldedCode, tuple[str, str | None]]:
    """Return those of the codes that are there, each with its pool and how it is shown."""
    rows = await connection.fetch(_FIND_MANY, program_id, list(codes))
    return {row["code"]: (row["pool"], row["shown"]) for row in rows}


async def find_code(
    connection: Connection, program_id: int, code: FoldedCode, *, for_update: bool = False
) -> PromoCode | None:
    """Return a code; ``for_update`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(f"{_FIND} FOR UPDATE" if for_update else _FIND, program_id, code)
    return None if row is None else _read(row)


async def change_code(connection: Connection, program_id: int, code: PromoCode) -> None:
    """Store whether a code is active, and its own times."""
    await connection.execute(_CHANGE, program_id, code.code, code.is_active, code.starts_at, code.ends_at)


async def list_codes(
    connection: Connection, program_id: int, pool: CodePool, *, after: str, limit: int
) -> Sequence[PromoCode]:
    """Return codes of a pool behind ``after``, in order, with how often each was used."""
    first, last = pool.bounds
    statement = LIST_BULK if pool.is_bulk else LIST_INDEXED
    rows = await connection.fetch(statement, program_id, pool.key, max(after, first), last, limit)
    return [_read(row, used=row["used"] or 0) for row in rows]


async def read_used(
    connection: Connection, program_id: int, counters: Sequence[str], *, now: datetime
) -> Mapping[str, int]:
    """Return what shared counters have used, with what reservations hold of them at ``now``."""
    return {row["name"]: int(row["used"]) for row in await connection.fetch(_READ_USED, program_id, counters, now)}


async def _count_in(connection: Connection, program_id: int, key: str, *, more: int, most: int) -> int:
    codes: int | None = await connection.fetchval(_COUNT_IN, program_id, key, more, most)
    if codes is None:
        raise FullPoolError
    return codes


def _read(row: "asyncpg.Record", used: int | None = None) -> PromoCode:
    names = [name for name in PromoCode.__slots__ if name != "used"]
    return PromoCode(**{name: row[name] for name in names}, used=used)
