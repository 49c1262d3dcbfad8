"""A member's points as the core sees them: balances, lots and holds, so that it can tell what time did to them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.persistence.connections import Connection

_MEMBER: Final = """
SELECT m.id, m.version, m.seq, m.status, m.booked_at, m.due_at, p.revision
  FROM loyalty.member m
  JOIN loyalty.program p ON p.id = m.program_id
 WHERE m.program_id = $1 AND m.id = $2 AND ($3::timestamptz IS NULL OR m.due_at <= $3)
"""

_BALANCES: Final = """
SELECT wallet, available, pending, held, debt, expires_at FROM loyalty.balance WHERE program_id = $1 AND member_id = $2
"""

_HOLDS: Final = """
SELECT h.id, h.wallet, h.points, h.expires_at, u.lot_id, u.amount
  FROM loyalty.hold h
  JOIN loyalty.lot_use u ON u.program_id = h.program_id AND u.operation_id = h.id
  JOIN loyalty.lot l ON l.program_id = u.program_id AND l.id = u.lot_id
 WHERE h.program_id = $1 AND h.member_id = $2 AND h.ended_by IS NULL
 ORDER BY h.id, l.expires_at NULLS LAST, l.earned_at, l.id
"""

_OPEN_LOTS: Final = "SELECT l.* FROM loyalty.lot l WHERE l.program_id = $1 AND l.member_id = $2 AND l.remaining > 0"

_HELD_LOTS: Final = "SELECT l.* FROM loyalty.lot l WHERE l.program_id = $1 AND l.id = ANY ($2) AND l.remaining = 0"


@dataclass(frozen=True, slots=True)
class Standing:
    """A member with its points, and the program's revision that was current in the same moment."""

    member: MemberState
    revision: int


async def find_standing(
    connection: Connection, program_id: int, member_id: UUID, *, due_by: datetime | None = None
) -> Standing | None:
    """Return how a member stands; with ``due_by`` None unless time may have changed its points by then."""
    row = await connection.fetchrow(_MEMBER, program_id, member_id, due_by)
    if row is None:
        return None
    balances = await connection.fetch(_BALANCES, program_id, member_id)
    holds = _read_holds(await connection.fetch(_HOLDS, program_id, member_id))
    lots = await connection.fetch(_OPEN_LOTS, program_id, member_id)
    if holds:
        used = [use.lot_id for hold in holds for use in hold.uses]
        lots += await connection.fetch(_HELD_LOTS, program_id, used)
    member = MemberState(
        id=row["id"],
        version=row["version"],
        seq=row["seq"],
        status=row["status"],
        booked_at=row["booked_at"],
        balances={balance["wallet"]: Balance(*tuple(balance)[1:]) for balance in balances},
        lots=tuple(_read_lot(lot) for lot in lots),
        holds=holds,
        sees_lots=True,
        due_at=row["due_at"],
    )
    return Standing(member, row["revision"])


def _read_holds(rows: list[Any]) -> tuple[Hold, ...]:
    uses: dict[UUID, list[LotUse]] = defaultdict(list)
    for row in rows:
        uses[row["id"]].append(LotUse(row["lot_id"], row["amount"]))
    found = {row["id"]: row for row in rows}
    return tuple(
        Hold(hold_id, row["wallet"], row["points"], row["expires_at"], tuple(uses[hold_id]))
        for hold_id, row in found.items()
    )


def _read_lot(row: Any) -> Lot:  # noqa: ANN401 - a record of asyncpg
    return Lot(
        id=row["id"],
        member_id=row["member_id"],
        wallet=row["wallet"],
        amount=row["amount"],
        remaining=row["remaining"],
        earned_at=row["earned_at"],
        available_at=row["available_at"],
        expires_at=row["expires_at"],
        funder=row["funder"],
        cost_micros=row["cost_micros"],
        operation_id=row["operation_id"],
        expired=row["expired"] or 0,
    )
