"""Activities as they were reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

_FIND: Final = """
SELECT t.id, t.member_id, t.kind, t.subject, o.location, t.attributes, t.occurred_at, o.booked_at
  FROM loyalty.activity t
  JOIN loyalty.operation o ON o.program_id = t.program_id AND o.id = t.id
 WHERE t.program_id = $1 AND t.id = $2
"""


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """An activity as kept; its id is that of the operation that accepted it."""

    id: UUID
    member_id: UUID
    kind: str
    subject: str | None
    location: str | None
    attributes: Mapping[str, Any]
    occurred_at: datetime
    booked_at: datetime


async def find_activity(connection: Connection, program_id: int, activity_id: UUID) -> ActivityRecord | None:
    """Return one activity."""
    row = await connection.fetchrow(_FIND, program_id, activity_id)
    return None if row is None else ActivityRecord(**{**dict(row), "attributes": orjson.loads(row["attributes"])})
