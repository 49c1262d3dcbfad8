"""Members as they are shown: status, counters, and the personal data beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.engine.requests import MemberRef
from loyalty_engine.persistence.connections import Connection

_FIND_ID: Final = "SELECT id FROM loyalty.member WHERE program_id = $1 AND id = $2"

_FIND_OWNER: Final = "SELECT member_id FROM loyalty.member_identity WHERE program_id = $1 AND identity = $2"

# One member can be merged into another, which is merged into a third: whoever is at the end stands for all of them.
_FIND_STANDING: Final = """
WITH RECURSIVE chain AS (
    SELECT m.id, m.merged_into FROM loyalty.member m WHERE m.program_id = $1 AND m.id = $2
     UNION ALL
    SELECT m.id, m.merged_into FROM chain c
      JOIN loyalty.member m ON m.program_id = $1 AND m.id = c.merged_into)
SELECT id FROM chain WHERE merged_into IS NULL
"""

_FIND: Final = """
WITH RECURSIVE family AS (
    SELECT $2::uuid AS id
     UNION ALL
    SELECT m.id FROM family f JOIN loyalty.member m ON m.program_id = $1 AND m.merged_into = f.id)
SELECT m.id, m.status, m.merged_into, m.booked_at, m.orders, m.spend, m.first_order_at, m.last_order_at,
       f.name, f.birthday, f.attributes, coalesce(m.enrolled_at, e.booked_at) AS enrolled_at,
       ARRAY(SELECT i.identity FROM family f
               JOIN loyalty.member_identity i ON i.program_id = m.program_id AND i.member_id = f.id
              WHERE m.merged_into IS NULL ORDER BY i.identity) AS identities
  FROM loyalty.member m
  LEFT JOIN loyalty.member_profile f ON f.program_id = m.program_id AND f.member_id = m.id
  LEFT JOIN LATERAL (
      SELECT o.booked_at FROM loyalty.operation o
       WHERE m.enrolled_at IS NULL AND o.program_id = m.program_id AND o.member_id = m.id
       ORDER BY o.id LIMIT 1) e ON true
 WHERE m.program_id = $1 AND m.id = $2
"""


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member with its personal data. ``enrolled_at`` is when its first operation was accepted.

    ``identities`` are all that lead to it, also those of members that were merged into it; none lead to a merged one.
    """

    id: UUID
    status: str
    merged_into: UUID | None
    enrolled_at: datetime | None
    booked_at: datetime
    orders: int
    spend: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    identities: tuple[str, ...]
    name: str | None
    birthday: date | None
    attributes: Mapping[str, Any]


async def find_member_id(connection: Connection, program_id: int, member: MemberRef) -> UUID | None:
    """Return the id of the member of that id, or of the one that stands for the owner of that identity."""
    statement = _FIND_ID if isinstance(member, UUID) else _FIND_OWNER
    found: UUID | None = await connection.fetchval(statement, program_id, member)
    if found is None or isinstance(member, UUID):
        return found
    return await find_standing_id(connection, program_id, found)


async def find_standing_id(connection: Connection, program_id: int, member_id: UUID) -> UUID | None:
    """Return the id of the member that stands for this one: itself, or the last of those it was merged into."""
    found: UUID | None = await connection.fetchval(_FIND_STANDING, program_id, member_id)
    return found


async def find_member(connection: Connection, program_id: int, member_id: UUID) -> MemberRecord | None:
    """Return a member with all that is known of it."""
    row = await connection.fetchrow(_FIND, program_id, member_id)
    if row is None:
        return None
    attributes = orjson.loads(row["attributes"]) if row["attributes"] else {}
    return MemberRecord(**{**dict(row), "identities": tuple(row["identities"]), "attributes": attributes})
