"""Orders as they were reported, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

OrderState = Literal["credited", "claimed", "parked", "guest"]

_FIND: Final = """
SELECT b.*, q.member_id AS claimed_by, q.operation_id AS claimed_in, h.identity AS parked_for
  FROM loyalty."order" b
  LEFT JOIN loyalty.order_claim q ON q.program_id = b.program_id AND q.order_id = b.id
  LEFT JOIN loyalty.order_parked h ON h.program_id = b.program_id AND h.order_id = b.id
 WHERE b.program_id = $1 AND b.id = $2
"""

_PARKED: Final = """
SELECT b.*, NULL::uuid AS claimed_by, NULL::uuid AS claimed_in, h.identity AS parked_for
  FROM loyalty.order_parked h
  JOIN loyalty."order" b ON b.program_id = h.program_id AND b.id = h.order_id
 WHERE h.program_id = $1 AND h.identity = $2 AND h.order_id < $3
   AND NOT EXISTS (SELECT FROM loyalty.order_claim q WHERE q.program_id = h.program_id AND q.order_id = h.order_id)
 ORDER BY h.order_id DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as kept; its id is that of the operation that accepted it.

    ``member_id`` is who it was credited to at once, ``claimed_by`` who took it over later with the operation
    ``claimed_in``. ``reference``, ``lines`` and ``tenders`` are as ``persistence/orders.py`` writes them.
    """

    id: UUID
    reference: Mapping[str, Any]
    member_id: UUID | None
    claimed_by: UUID | None
    claimed_in: UUID | None
    parked_for: str | None
    placed_at: datetime
    currency: str
    goods_total: int
    shipping: int
    paid_with_points: int
    channel: str | None
    location: str | None
    lines: Sequence[Mapping[str, Any]]
    tenders: Sequence[tuple[str, int]]
    attributes: Mapping[str, Any]

    @property
    def state(self) -> OrderState:
        """Who has the order's points."""
        if self.member_id is not None:
            return "credited"
        if self.claimed_by is not None:
            return "claimed"
        return "guest" if self.parked_for is None else "parked"


async def find_order(connection: Connection, program_id: int, order_id: UUID) -> OrderRecord | None:
    """Return one order."""
    row = await connection.fetchrow(_FIND, program_id, order_id)
    return None if row is None else _read_order(row)


async def list_parked(
    connection: Connection, program_id: int, identity: str, *, before: UUID, limit: int
) -> list[OrderRecord]:
    """Return the orders that still wait for the owner of an identity and have ids below ``before``, newest first."""
    rows = await connection.fetch(_PARKED, program_id, identity, before, limit)
    return [_read_order(row) for row in rows]


def _read_order(row: Any) -> OrderRecord:  # noqa: ANN401 - a record of asyncpg
    rest = orjson.loads(row["rest"])
    return OrderRecord(
        id=row["id"],
        reference=rest["reference"],
        member_id=row["member_id"],
        claimed_by=row["claimed_by"],
        claimed_in=row["claimed_in"],
        parked_for=row["parked_for"],
        placed_at=row["placed_at"],
        currency=row["currency"],
        goods_total=row["goods_total"],
        shipping=row["shipping"],
        paid_with_points=row["paid_with_points"],
        channel=row["channel"],
        location=row["location"],
        lines=orjson.loads(row["lines"]),
        tenders=[(kind, amount) for kind, amount in rest.get("tenders", ())],
        attributes=rest.get("attributes", {}),
    )
