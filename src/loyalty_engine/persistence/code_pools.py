"""Pools of promo codes: what their codes have in common, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from loyalty_engine.core.kernel.codes import MAX_LENGTH, CodePattern
from loyalty_engine.core.kernel.instants import parse_instant, show_instant
from loyalty_engine.core.promotions.codes import Bounds, CodeLimit
from loyalty_engine.core.promotions.pools import PoolKind
from loyalty_engine.persistence.connections import Connection

_ADD: Final = """
INSERT INTO loyalty.code_pool (program_id, key, kind, promotion, name, pattern, terms, low_at, job_id, digest, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING
"""

_FIND: Final = "SELECT * FROM loyalty.code_pool WHERE program_id = $1 AND key = $2"

_LIST: Final = """
SELECT *
  FROM loyalty.code_pool
 WHERE program_id = $1 AND key > $2 AND ($3::text IS NULL OR promotion = $3)
 ORDER BY key LIMIT $4
"""

_KINDS: Final = "SELECT key, kind FROM loyalty.code_pool WHERE program_id = $1 AND key = ANY($2)"

_CHANGE: Final = """
UPDATE loyalty.code_pool SET name = $3, is_active = $4, terms = $5, low_at = $6 WHERE program_id = $1 AND key = $2
"""

_COUNT_GIVEN: Final = """
SELECT count(*), count(*) FILTER (WHERE member_id IS NULL AND is_active)
  FROM loyalty.promo_code
 WHERE program_id = $1 AND pool = $2 AND shown IS NOT NULL
"""

_COUNT_USED_UP: Final = """
SELECT count(*)
  FROM loyalty.promo_code c
 WHERE c.program_id = $1 AND c.pool = $2 AND c.code >= $3 AND c.code <= $4 {}
   AND (SELECT u.used FROM loyalty.counter u
         WHERE u.program_id = $1 AND u.key = 'code/' || c.code || '/times/lifetime/') >= $5
"""
_COUNT_USED_UP_OF_BULK: Final = _COUNT_USED_UP.format("")
_COUNT_USED_UP_OF_OTHERS: Final = _COUNT_USED_UP.format("AND c.shown IS NOT NULL")

_LIST_LOW: Final = """
SELECT p.program_id, p.key, x.free
  FROM loyalty.code_pool p
 CROSS JOIN LATERAL (
       SELECT count(*) AS free
         FROM (SELECT FROM loyalty.promo_code c
                WHERE c.program_id = p.program_id AND c.pool = p.key AND c.turn IS NOT NULL AND c.is_active
                LIMIT p.low_at + 1) f) x
 WHERE p.kind = 'vouchers' AND p.is_active AND x.free <= p.low_at
 ORDER BY p.program_id, p.key
"""

_PATIENCE: Final = "SET LOCAL statement_timeout = '2s'"
"""How long used codes are counted for somebody who asks; there may be millions."""

_JSON: Final = {"starts_at": parse_instant, "ends_at": parse_instant}


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """From when until when codes can be used, and how often. The days count from when a code was given out.

    What is None is without such a bound.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    starts_after_days: int | None = None
    ends_after_days: int | None = None
    limits: tuple[CodeLimit, ...] = ()

    @classmethod
    def read(cls, text: str) -> "PoolTerms":
        """Return the terms that are stored as JSON."""
        raw = orjson.loads(text)
        limits = tuple(CodeLimit(**limit) for limit in raw.pop("limits", ()))
        bounds: dict[str, Any] = {name: _JSON[name](value) if name in _JSON else value for name, value in raw.items()}
        return cls(**bounds, limits=limits)

    def as_json(self) -> dict[str, Any]:
        """Return what is stored: bounds that there are, and the limits."""
        bounds = {
            "starts_at": None if self.starts_at is None else show_instant(self.starts_at),
            "ends_at": None if self.ends_at is None else show_instant(self.ends_at),
            "starts_after_days": self.starts_after_days,
            "ends_after_days": self.ends_after_days,
        }
        there = {name: value for name, value in bounds.items() if value is not None}
        return {**there, "limits": [limit._asdict() for limit in self.limits]}

    @property
    def bounds(self) -> Bounds:
        """From when until when codes can be used, whenever they were given out."""
        return Bounds(self.starts_at, self.ends_at)

    @property
    def uses_per_code(self) -> int | None:
        """How often a code can be used in all; None: there is no such limit."""
        found = [limit.times for limit in self.limits if limit.per == "code" and limit.period == "lifetime"]
        return min(found, default=None)


@dataclass(frozen=True, slots=True)
class CodePool:
    """A pool. ``codes`` is how many were put into it; personal ones come when they are given out and are not among them.

    ``job_id`` is the job that makes its codes, ``digest`` tells the request that made it from others.
    """

    key: str
    kind: PoolKind
    created_at: datetime
    promotion: str | None = None
    name: str | None = None
    pattern: str | None = None
    terms: PoolTerms = field(default_factory=PoolTerms)
    is_active: bool = True
    low_at: int | None = None
    job_id: UUID | None = None
    digest: bytes | None = None
    codes: int = 0

    @property
    def made_as(self) -> CodePattern | None:
        """The pattern of its codes, if they are made."""
        return None if self.pattern is None else CodePattern.parse(self.pattern)

    @property
    def is_bulk(self) -> bool:
        """Whether a job makes its codes: these are found by the key alone, and shown by their pattern."""
        return self.job_id is not None

    @property
    def bounds(self) -> tuple[str, str]:
        """Between what its codes lie, as far as that is known."""
        pattern = self.made_as
        beginning = pattern.beginning if pattern is not None and self.is_bulk else ""
        return beginning, beginning + "Z" * MAX_LENGTH


@dataclass(frozen=True, slots=True)
class Stand:
    """How many codes a pool has, how many of them members have, and how many are left; None: that is not known."""

    codes: int | None
    given_out: int | None
    left: int | None


async def add_pool(connection: Connection, program_id: int, pool: CodePool) -> bool:
    """Add a pool without codes; False when there is one of that key."""
    tag: str = await connection.execute(
        _ADD,
        program_id,
        pool.key,
        pool.kind,
        pool.promotion,
        pool.name,
        pool.pattern,
        _show(pool.terms),
        pool.low_at,
        pool.job_id,
        pool.digest,
        pool.created_at,
    )
    return tag == "INSERT 0 1"


async def find_pool(connection: Connection, program_id: int, key: str, *, for_update: bool = False) -> CodePool | None:
    """Return a pool; ``for_update`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(f"{_FIND} FOR UPDATE" if for_update else _FIND, program_id, key)
    return None if row is None else _read(row)


async def list_pools(
    connection: Connection, program_id: int, *, promotion: str | None, after: str, limit: int
) -> Sequence[CodePool]:
    """Return pools behind the key ``after``, by key; those of a promotion if one is named."""
    return [_read(row) for row in await connection.fetch(_LIST, program_id, after, promotion, limit)]


async def find_pool_kinds(connection: Connection, program_id: int, keys: Sequence[str]) -> Mapping[str, PoolKind]:
    """Return the kinds of those of the pools that exist."""
    return {row["key"]: row["kind"] for row in await connection.fetch(_KINDS, program_id, keys)}


async def change_pool(connection: Connection, program_id: int, pool: CodePool) -> None:
    """Store a pool's name, terms, whether it is active, and from when on it is low."""
    await connection.execute(_CHANGE, program_id, pool.key, pool.name, pool.is_active, _show(pool.terms), pool.low_at)


async def take_stand(connection: Connection, program_id: int, pool: CodePool) -> Stand:
    """Count what is left of a pool: vouchers that nobody has yet, or codes that are not used up.

    That is not known where a code can be used without end, or is made when it is given out, or where there are so many
    that nobody would wait for the count.
    """
    try:
        async with connection.transaction():
            await connection.execute(_PATIENCE)
            return await _count(connection, program_id, pool)
    except asyncpg.QueryCanceledError:
        return Stand(None if pool.kind == "personal" else pool.codes, None, None)


async def _count(connection: Connection, program_id: int, pool: CodePool) -> Stand:
    if pool.kind in ("vouchers", "personal"):
        codes, free = await connection.fetchrow(_COUNT_GIVEN, program_id, pool.key)
        given = codes if pool.kind == "personal" else codes - free
        return Stand(codes, given, free if pool.kind == "vouchers" else None)
    times = pool.terms.uses_per_code
    if times is None:
        return Stand(pool.codes, None, None)
    statement = _COUNT_USED_UP_OF_BULK if pool.is_bulk else _COUNT_USED_UP_OF_OTHERS
    used: int = await connection.fetchval(statement, program_id, pool.key, *pool.bounds, times)
    return Stand(pool.codes, None, pool.codes - used)


async def list_low(connection: Connection) -> Sequence[tuple[int, str, int]]:
    """Return the pools of vouchers that run low, of all programs: program, key, and how many are left. Needs the owner's role.

    No more of a pool are counted than tell whether it is low.
    """
    return [tuple(row) for row in await connection.fetch(_LIST_LOW)]


def _show(terms: PoolTerms) -> str:
    return orjson.dumps(terms.as_json()).decode()


def _read(row: Mapping[str, Any]) -> CodePool:
    names = CodePool.__slots__
    return CodePool(**{**{name: row[name] for name in names}, "terms": PoolTerms.read(row["terms"])})
