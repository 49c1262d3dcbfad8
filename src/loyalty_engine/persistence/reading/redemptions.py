"""Redemptions and holds as they are shown: points spent outside an order, or set aside for a while."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_engine.persistence.connections import Connection

_REDEMPTION: Final = """
SELECT o.id, o.member_id, o.effective_at, o.booked_at, v.operation_id AS cancelled_by,
       (d.answer::json ->> 'amount')::bigint AS amount,
       h.expires_at, h.ended_by, h.captured, e.kind AS ended_as
  FROM loyalty.operation o
  LEFT JOIN loyalty.reversal v ON v.program_id = o.program_id AND v.reversed_id = o.id
  LEFT JOIN loyalty.operation_detail d ON d.program_id = o.program_id AND d.id = o.id
  LEFT JOIN loyalty.hold h ON h.program_id = o.program_id AND h.id = o.id
  LEFT JOIN loyalty.operation e ON e.program_id = h.program_id AND e.id = h.ended_by
 WHERE o.program_id = $1 AND o.id = $2 AND o.kind IN ('redemption', 'hold')
"""

_USES: Final = """
SELECT u.lot_id, u.amount, l.wallet
  FROM loyalty.lot_use u
  JOIN loyalty.lot l ON l.program_id = u.program_id AND l.id = u.lot_id
 WHERE u.program_id = $1 AND u.operation_id = $2
 ORDER BY u.lot_id
"""

_OPEN_HOLDS: Final = """
SELECT h.id, h.wallet, h.points, h.expires_at, o.booked_at
  FROM loyalty.hold h
  JOIN loyalty.operation o ON o.program_id = h.program_id AND o.id = h.id
 WHERE h.program_id = $1 AND h.member_id = $2 AND h.ended_by IS NULL AND h.expires_at > $3 AND h.id < $4
   AND o.kind = 'hold'
 ORDER BY h.id DESC LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class HoldState:
    """What became of a hold: ``ended_by`` is an operation of the kind ``ended_as``, None while it is open."""

    expires_at: datetime
    ended_by: UUID | None
    ended_as: str | None
    captured: int


@dataclass(frozen=True, slots=True)
class RedemptionRecord:
    """Points spent outside an order, or set aside (``hold``), and the lots that paid.

    ``amount`` is None once the details are pruned.
    """

    id: UUID
    member_id: UUID
    wallet: str
    points: int
    amount: int | None
    uses: tuple[tuple[UUID, int], ...]
    cancelled_by: UUID | None
    hold: HoldState | None
    effective_at: datetime
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold that has not ended."""

    id: UUID
    wallet: str
    points: int
    expires_at: datetime
    booked_at: datetime


async def find_redemption(connection: Connection, program_id: int, redemption_id: UUID) -> RedemptionRecord | None:
    """Return a redemption or a hold with the lots that paid for it."""
    row = await connection.fetchrow(_REDEMPTION, program_id, redemption_id)
    if row is None:
        return None
    uses = await connection.fetch(_USES, program_id, redemption_id)
    is_hold = row["expires_at"] is not None
    return RedemptionRecord(
        id=row["id"],
        member_id=row["member_id"],
        wallet=uses[0]["wallet"],
        points=sum(use["amount"] for use in uses),
        amount=row["amount"],
        uses=tuple((use["lot_id"], use["amount"]) for use in uses),
        cancelled_by=row["cancelled_by"],
        hold=HoldState(row["expires_at"], row["ended_by"], row["ended_as"], row["captured"] or 0) if is_hold else None,
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
    )


async def list_holds(
    connection: Connection, program_id: int, member_id: UUID, *, now: datetime, before: UUID, limit: int
) -> list[HoldRecord]:
    """Return a member's holds that can still be captured at ``now`` and have ids below ``before``, newest first."""
    rows = await connection.fetch(_OPEN_HOLDS, program_id, member_id, now, before, limit)
    return [HoldRecord(**dict(row)) for row in rows]
