"""Lots as they are shown: points earned together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.kernel.ids import family_of
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.persistence.connections import Connection

_COLUMNS: Final = "l.*, CASE WHEN l.expires_at IS NULL THEN b.expires_at END AS slides_to"

_BALANCE: Final = """
  LEFT JOIN loyalty.balance b ON b.program_id = l.program_id AND b.member_id = l.member_id AND b.wallet = l.wallet
"""

_OPEN: Final = f"""
SELECT {_COLUMNS} FROM loyalty.lot l {_BALANCE}
 WHERE l.program_id = $1 AND l.member_id = $2 AND l.remaining > 0 AND l.id < $3
 ORDER BY l.id DESC LIMIT $4
"""  # noqa: S608 - the columns are a constant of ours

# Spent lots have no index of their own: each is found by the operation that brought it, whose id its own is derived from.
# Operations come in the order of their ids and bring few lots each (the inner limit), so that a page reads no more than it shows.
_ALL: Final = f"""
SELECT {_COLUMNS}
  FROM ((SELECT o.id FROM loyalty.operation o
          WHERE o.program_id = $1 AND o.member_id = $2 AND o.id <= $5 ORDER BY o.id DESC)
         UNION ALL
        (SELECT o.id FROM loyalty.operation o
          WHERE o.program_id = $1 AND o.other_member_id = $2 AND o.id <= $5 ORDER BY o.id DESC)
         ORDER BY id DESC) o
 CROSS JOIN LATERAL (
      SELECT x.* FROM loyalty.lot x
       WHERE x.program_id = $1 AND x.id < $3
         AND x.id BETWEEN (left(o.id::text, 19) || '0000-000000000000')::uuid
                      AND (left(o.id::text, 19) || 'ffff-ffffffffffff')::uuid
         AND x.operation_id = o.id AND x.member_id = $2
       ORDER BY x.id DESC LIMIT 10000) l
  {_BALANCE}
 ORDER BY o.id DESC, l.id DESC LIMIT $4
"""  # noqa: S608 - the columns are a constant of ours


@dataclass(frozen=True, slots=True)
class LotRecord:
    """Points earned together.

    ``slides_to`` is when they expire unless the member earns or spends before, in a wallet whose expiry slides.
    """

    id: UUID
    wallet: str
    amount: int
    remaining: int
    expired: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    slides_to: datetime | None
    funder: str
    operation_id: UUID


async def list_open_lots(
    connection: Connection, program_id: int, member_id: UUID, *, before: UUID, limit: int
) -> list[LotRecord]:
    """Return a member's lots that have points left and ids below ``before``, newest first."""
    rows = await connection.fetch(_OPEN, program_id, member_id, before, limit)
    return [_read(row) for row in rows]


async def list_lots(
    connection: Connection, program_id: int, member_id: UUID, *, before: UUID, limit: int
) -> list[LotRecord]:
    """Return all lots of a member with ids below ``before``, newest first."""
    rows = await connection.fetch(_ALL, program_id, member_id, before, limit, family_of(before)[1])
    return [_read(row) for row in rows]


def lots_of(member: MemberState, *, before: UUID, limit: int) -> list[LotRecord]:
    """Return what :func:`list_open_lots` would, once the member as it is seen here was recorded."""
    found = sorted((lot for lot in member.lots if lot.remaining and lot.id < before), key=lambda lot: lot.id)
    return [_show(member, lot) for lot in found[::-1][:limit]]


def move_on(records: Sequence[LotRecord], member: MemberState) -> list[LotRecord]:
    """Return the records as they would be, once the member as it is seen here was recorded."""
    moved: Mapping[UUID, LotRecord] = {lot.id: _show(member, lot) for lot in member.lots}
    return [moved.get(record.id, record) for record in records]


def _show(member: MemberState, lot: Lot) -> LotRecord:
    balance = member.balances.get(lot.wallet)
    return LotRecord(
        id=lot.id,
        wallet=lot.wallet,
        amount=lot.amount,
        remaining=lot.remaining,
        expired=lot.expired,
        earned_at=lot.earned_at,
        available_at=lot.available_at,
        expires_at=lot.expires_at,
        slides_to=balance.expires_at if balance and lot.expires_at is None else None,
        funder=lot.funder,
        operation_id=lot.operation_id,
    )


def _read(row: Any) -> LotRecord:  # noqa: ANN401 - a record of asyncpg
    return LotRecord(
        id=row["id"],
        wallet=row["wallet"],
        amount=row["amount"],
        remaining=row["remaining"],
        expired=row["expired"] or 0,
        earned_at=row["earned_at"],
        available_at=row["available_at"],
        expires_at=row["expires_at"],
        slides_to=row["slides_to"],
        funder=row["funder"],
        operation_id=row["operation_id"],
    )
