"""Returns as they are shown: done, waiting for their order, or dropped because it never came."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

_PART: Final = re.compile(r"(?:^|(?<=\|))((?:[^|\\]|\\.)*)(?:\||$)", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

ReturnStatus = Literal["applied", "waiting", "dropped"]

_SOURCES: Final = """
  LEFT JOIN loyalty.return_waiting w ON w.program_id = o.program_id AND w.operation_id = o.id
  LEFT JOIN loyalty.operation a ON a.program_id = w.program_id AND a.id = w.applied_by
  LEFT JOIN loyalty.operation_detail d ON d.program_id = o.program_id AND d.id = coalesce(w.applied_by, o.id)
"""

_COLUMNS: Final = """
SELECT o.id, coalesce(a.order_id, o.order_id) AS order_id, coalesce(a.member_id, o.member_id) AS member_id,
       o.location, o.effective_at, o.booked_at, w.natural_key, w.waits_until, w.applied_by, d.answer
"""

_FIND: Final = (
    f"{_COLUMNS} FROM loyalty.operation o {_SOURCES} WHERE o.program_id = $1 AND o.id = $2 AND o.kind = 'return'"
)

_OF_ORDER: Final = f"""
{_COLUMNS}
  FROM loyalty.order_change t
  JOIN loyalty.operation o ON o.program_id = t.program_id AND o.id = t.operation_id AND o.kind = 'return'
  {_SOURCES}
 WHERE t.program_id = $1 AND t.order_id = $2 AND t.operation_id < $3
 ORDER BY t.operation_id DESC LIMIT $4
"""

_EARLY: Final = f"""
{_COLUMNS}
  FROM loyalty.return_waiting x
  JOIN loyalty.operation o ON o.program_id = x.program_id AND o.id = x.operation_id
  {_SOURCES}
 WHERE x.program_id = $1 AND x.operation_id < $2
   AND CASE $3 WHEN 'applied' THEN x.applied_by IS NOT NULL
               WHEN 'waiting' THEN x.applied_by IS NULL AND x.waits_until > $4
               WHEN 'dropped' THEN x.applied_by IS NULL AND x.waits_until <= $4
               ELSE true END
 ORDER BY x.operation_id DESC LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """Goods that came back; its id is that of the operation that accepted them.

    One that came before its order is ``applied_by`` another operation once that arrives; ``waits_for`` are the parts of the
    order's number. ``answer`` is what its caller got, or what it came to when it was applied; None once pruned.
    """

    id: UUID
    order_id: UUID | None
    member_id: UUID | None
    waits_for: Mapping[str, str] | None
    waits_until: datetime | None
    applied_by: UUID | None
    location: str | None
    effective_at: datetime
    booked_at: datetime
    answer: Mapping[str, Any] | None

    def status(self, now: datetime) -> ReturnStatus:
        """Return what became of it by ``now``."""
        if self.waits_until is None or self.applied_by is not None:
            return "applied"
        return "waiting" if now < self.waits_until else "dropped"


async def find_return(connection: Connection, program_id: int, return_id: UUID) -> ReturnRecord | None:
    """Return one return."""
    row = await connection.fetchrow(_FIND, program_id, return_id)
    return None if row is None else _read(row)


async def list_returns_of(
    connection: Connection, program_id: int, order_id: UUID, *, before: UUID, limit: int
) -> list[ReturnRecord]:
    """Return what came back of an order, with ids below ``before``, newest first."""
    rows = await connection.fetch(_OF_ORDER, program_id, order_id, before, limit)
    return [_read(row) for row in rows]


async def list_early_returns(
    connection: Connection, program_id: int, status: ReturnStatus | None, *, now: datetime, before: UUID, limit: int
) -> list[ReturnRecord]:
    """Return the returns that came before their order, with ids below ``before``, newest first."""
    rows = await connection.fetch(_EARLY, program_id, before, status, now, limit)
    return [_read(row) for row in rows]


def _read(row: Any) -> ReturnRecord:  # noqa: ANN401 - a record of asyncpg
    return ReturnRecord(
        id=row["id"],
        order_id=row["order_id"],
        member_id=row["member_id"],
        waits_for=None if row["natural_key"] is None else _read_number(row["natural_key"]),
        waits_until=row["waits_until"],
        applied_by=row["applied_by"],
        location=row["location"],
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
        answer=None if row["answer"] is None else orjson.loads(row["answer"]),
    )


def _read_number(natural_key: str) -> dict[str, str]:
    """Return the parts of an order's number, as orders show theirs; see ``core.rules.order.natural_key``."""
    kind, *parts = (_ESCAPED.sub(r"\1", part) for part in _PART.findall(natural_key))
    if kind == "receipt":
        return dict(zip(("location", "till", "business_date", "type", "number"), parts, strict=True))
    shop, order_id = parts
    return {"order_id": order_id, "location": shop} if shop else {"order_id": order_id}
