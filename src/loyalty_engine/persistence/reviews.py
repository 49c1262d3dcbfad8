"""Orders that somebody has to look at, kept as they were sent until that is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

ReviewStatus = Literal["open", "accepted", "dismissed"]

_FILE: Final = """
INSERT INTO loyalty.order_review
       (program_id, id, natural_key, code, client_id, location, till, request_hash, body, placed_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (program_id, natural_key, request_hash) DO NOTHING
"""

_FIND_FILED: Final = """
SELECT * FROM loyalty.order_review WHERE program_id = $1 AND natural_key = $2 AND request_hash = $3
"""

_FIND: Final = """
SELECT * FROM loyalty.order_review WHERE program_id = $1 AND id = $2 AND ($3::text IS NULL OR location = $3)
"""

_LIST: Final = """
SELECT * FROM loyalty.order_review
 WHERE program_id = $1 AND id < $2 AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR location = $4)
 ORDER BY id DESC LIMIT $5
"""

_ACCEPT: Final = """
UPDATE loyalty.order_review
   SET status = 'accepted', operation_id = $3, reason = NULL, decided_by = $4, decided_at = $5
 WHERE program_id = $1 AND id = $2 AND status <> 'accepted'
"""

_DISMISS: Final = """
UPDATE loyalty.order_review SET status = 'dismissed', reason = $3, decided_by = $4, decided_at = $5
 WHERE program_id = $1 AND id = $2 AND status = 'open'
"""


@dataclass(frozen=True, slots=True)
class Review:
    """An order that waits for a decision, or waited for one.

    ``code`` is what stands against it. ``location`` and ``till`` are what the API client was bound to that sent it, and
    ``body`` what it sent. ``operation_id`` is what booked it, ``reason`` why it was dismissed.
    """

    id: UUID
    natural_key: str
    code: str
    client_id: int
    location: str | None
    till: str | None
    request_hash: bytes
    body: Mapping[str, Any]
    placed_at: datetime
    received_at: datetime
    status: ReviewStatus = "open"
    operation_id: UUID | None = None
    reason: str | None = None
    decided_at: datetime | None = None


async def file_review(connection: Connection, program_id: int, review: Review) -> Review:
    """Keep an order that somebody has to look at; the same one is kept once, and returned as it stands by now."""
    await connection.execute(
        _FILE,
        program_id,
        review.id,
        review.natural_key,
        review.code,
        review.client_id,
        review.location,
        review.till,
        review.request_hash,
        orjson.dumps(review.body).decode(),
        review.placed_at,
        review.received_at,
    )
    return _read(await connection.fetchrow(_FIND_FILED, program_id, review.natural_key, review.request_hash))


async def find_review(
    connection: Connection, program_id: int, review_id: UUID, *, location: str | None
) -> Review | None:
    """Return a review; ``location`` is where the caller is bound to, and sees those from there only."""
    row = await connection.fetchrow(_FIND, program_id, review_id, location)
    return None if row is None else _read(row)


async def list_reviews(
    connection: Connection,
    program_id: int,
    *,
    status: ReviewStatus | None,
    location: str | None,
    before: UUID,
    limit: int,
) -> Sequence[Review]:
    """Return reviews with ids below ``before``, newest first."""
    rows = await connection.fetch(_LIST, program_id, before, status, location, limit)
    return [_read(row) for row in rows]


async def accept_review(
    connection: Connection, program_id: int, review_id: UUID, *, operation_id: UUID, client_id: int, now: datetime
) -> None:
    """Note that the order was booked, whatever somebody else decided about it meanwhile."""
    await connection.execute(_ACCEPT, program_id, review_id, operation_id, client_id, now)


async def dismiss_review(
    connection: Connection, program_id: int, review_id: UUID, *, reason: str, client_id: int, now: datetime
) -> None:
    """Note that the order is not booked; one that was decided before stays as it is."""
    await connection.execute(_DISMISS, program_id, review_id, reason, client_id, now)


def _read(row: Any) -> Review:  # noqa: ANN401 - a record of asyncpg
    names = Review.__slots__
    return Review(**{**{name: row[name] for name in names}, "body": orjson.loads(row["body"])})
