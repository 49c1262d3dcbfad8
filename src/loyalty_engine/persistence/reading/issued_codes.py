"""Promo codes of members: those that were given to them, or made for them alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.promotions.codes import Bounds
from loyalty_engine.persistence.code_pools import PoolTerms
from loyalty_engine.persistence.connections import Connection

# A member has few codes, and they are neither taken away nor given later than the newest: their numbers stay what they are.
_LIST: Final = """
WITH RECURSIVE family AS (
    SELECT $2::uuid AS id
     UNION ALL
    SELECT m.id FROM family f JOIN loyalty.member m ON m.program_id = $1 AND m.merged_into = f.id)
SELECT n.*
  FROM (SELECT row_number() OVER (ORDER BY c.issued_at NULLS FIRST, c.code) AS number,
               coalesce(c.shown, c.code) AS code, c.pool, p.promotion, c.is_active AND p.is_active AS is_active,
               c.issued_at, c.operation_id, c.starts_at, c.ends_at, p.terms
          FROM family f
          JOIN loyalty.promo_code c ON c.program_id = $1 AND c.member_id = f.id
          JOIN loyalty.code_pool p ON p.program_id = $1 AND p.key = c.pool) n
 WHERE n.number < $3
 ORDER BY n.number DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class MemberCode:
    """A code that a member has; ``number`` counts the member's codes from 1, the oldest, on.

    Its times are what holds, its pool's with its own.
    """

    number: int
    code: str
    pool: str
    promotion: str | None
    is_active: bool
    issued_at: datetime | None
    operation_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None


async def list_member_codes(
    connection: Connection, program_id: int, member_id: UUID, *, before: int, limit: int
) -> list[MemberCode]:
    """Return a member's codes with numbers below ``before``, newest first, also of those that were merged into it."""
    rows = await connection.fetch(_LIST, program_id, member_id, before, limit)
    return [_read(row) for row in rows]


def _read(row: Mapping[str, Any]) -> MemberCode:
    columns = dict(row)
    of_pool = PoolTerms.read(columns.pop("terms")).bounds
    holding = Bounds(row["starts_at"], row["ends_at"]).within(of_pool)
    return MemberCode(**{**columns, **holding._asdict()})
