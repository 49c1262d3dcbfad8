"""What is due: the members to whom time did something that is not booked yet, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg

from loyalty_engine.core.engine.fold import Write
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger import Entry, record

_LIST: Final = "SELECT id, due_at FROM loyalty.list_due_v3($1, $2, $3, $4, $5)"

_LIST_MEMBERS: Final = "SELECT loyalty.list_members_v7($1, $2, $3)"

_COUNT: Final = "SELECT count(*) FROM loyalty.member WHERE program_id = $1 AND due_at <= $2"


Fate = Literal["won", "lost", "refused"]
"""What became of a write: recorded, too late, or against what the tables allow, because the rows contradict each other."""


@dataclass(frozen=True, slots=True)
class Due:
    """A member with whom something became due, at the earliest then. In the order in which it became due."""

    due_at: datetime
    member_id: UUID


async def list_due(connection: Connection, program_id: int, now: datetime, *, after: Due, limit: int) -> list[Due]:
    """Return the members with whom something is due by ``now`` and that come behind ``after``."""
    rows = await connection.fetch(_LIST, program_id, now, after.due_at, after.member_id, limit)
    return [Due(row["due_at"], row["id"]) for row in rows]


async def list_members(connection: Connection, program_id: int, *, after: UUID, limit: int) -> list[UUID]:
    """Return the members for whom nobody else stands, and that come behind ``after``, by id."""
    return [row[0] for row in await connection.fetch(_LIST_MEMBERS, program_id, after, limit)]


async def count_due(connection: Connection, program_id: int, now: datetime) -> int:
    """Return how many those are; needs the owner's role."""
    return int(await connection.fetchval(_COUNT, program_id, now))


async def record_due(connection: Connection, program_id: int, writes: Sequence[Write]) -> list[Fate]:
    """Record writes of different members and tell what became of each; nobody waits long for the others.

    What a constraint refuses does not hurt its neighbours: each is then tried alone.
    """
    if not writes:
        return []
    try:
        won = await record(connection, [Entry(program_id, write) for write in writes])
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return ["lost"] * len(writes)
    except asyncpg.IntegrityConstraintViolationError:
        if len(writes) == 1:
            return ["refused"]
        return [fate for write in writes for fate in await record_due(connection, program_id, [write])]
    return ["won" if is_won else "lost" for is_won in won]
