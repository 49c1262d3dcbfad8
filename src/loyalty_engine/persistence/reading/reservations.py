"""Reservations as they are shown: what is promised until when, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

_FIND: Final = """
SELECT r.id, r.member_id, r.until, r.body::text AS body, o.effective_at, o.booked_at, o.revision, e.how,
       e.operation_id AS ended_by
  FROM loyalty.reservation r
  JOIN loyalty.operation o ON o.program_id = r.program_id AND o.id = r.id
  LEFT JOIN loyalty.reservation_end e ON e.program_id = r.program_id AND e.reservation_id = r.id
 WHERE r.program_id = $1 AND r.id = $2
"""


@dataclass(frozen=True, slots=True)
class ReservationRecord:
    """A reservation; ``shown`` is the part of its answer that does not change, ``location`` the store that it is for.

    ``ended_by`` is the operation that ended it, ``how``; None: it is open until ``until``, or ran out then.
    """

    id: UUID
    member_id: UUID | None
    until: datetime
    location: str | None
    shown: Mapping[str, Any]
    effective_at: datetime
    booked_at: datetime
    revision: int
    how: str | None
    ended_by: UUID | None


async def find_reservation(connection: Connection, program_id: int, reservation_id: UUID) -> ReservationRecord | None:
    """Return a reservation and how it ended, if it did."""
    row = await connection.fetchrow(_FIND, program_id, reservation_id)
    if row is None:
        return None
    body = orjson.loads(row["body"])
    return ReservationRecord(
        id=row["id"],
        member_id=row["member_id"],
        until=row["until"],
        location=body["order"]["location"],
        shown=orjson.loads(body["shown"]),
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
        revision=row["revision"],
        how=row["how"],
        ended_by=row["ended_by"],
    )
