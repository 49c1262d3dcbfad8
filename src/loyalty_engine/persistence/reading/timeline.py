"""A member's timeline: every operation and every refusal, newest first, with what it moved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.operations import Actor, read_actor
from loyalty_engine.persistence.reading.points import Movement, list_movements

_PAGE: Final = """
WITH page AS (
    (SELECT o.id, false AS is_refusal FROM loyalty.operation o
      WHERE o.program_id = $1 AND o.member_id = $2 AND o.id < $3 ORDER BY o.id DESC LIMIT $4)
    UNION ALL
    (SELECT o.id, false FROM loyalty.operation o
      WHERE o.program_id = $1 AND o.other_member_id = $2 AND o.id < $3 ORDER BY o.id DESC LIMIT $4)
    UNION ALL
    (SELECT f.id, true FROM loyalty.refusal f
      WHERE f.program_id = $1 AND f.member_id = $2 AND f.id < $3 ORDER BY f.id DESC LIMIT $4)
    ORDER BY id DESC LIMIT $4
)
SELECT g.id, o.kind, f.code, f.answer AS problem, coalesce(o.booked_at, f.booked_at) AS booked_at, o.effective_at,
       o.revision, o.order_id, o.reverses, o.member_id, o.other_member_id, r.kind AS reversed_kind, o.location, o.till, coalesce(o.client_id, f.client_id) AS client_id,
       c.name AS client_name, b.rest -> 'reference' AS reference, b.goods_total + b.shipping AS total, b.currency,
       t.kind AS activity, t.subject,
       d.answer::json ->> 'reason' AS reason, d.answer::json ->> 'tiers' AS tiers, n.note
  FROM page g
  LEFT JOIN loyalty.operation o ON NOT g.is_refusal AND o.program_id = $1 AND o.id = g.id
  LEFT JOIN loyalty.operation r ON r.program_id = $1 AND r.id = o.reverses
  LEFT JOIN loyalty.operation_detail d ON NOT g.is_refusal AND d.program_id = $1 AND d.id = g.id
  LEFT JOIN loyalty.member_note n ON n.program_id = $1 AND n.member_id = $2 AND n.operation_id = g.id
  LEFT JOIN loyalty."order" b ON b.program_id = $1 AND b.id = o.order_id
  LEFT JOIN loyalty.activity t ON o.kind = 'activity' AND t.program_id = $1 AND t.id = g.id
  LEFT JOIN loyalty.refusal f ON g.is_refusal AND f.program_id = $1 AND f.id = g.id
  LEFT JOIN loyalty.api_client c ON c.program_id = $1 AND c.id = coalesce(o.client_id, f.client_id)
 ORDER BY g.id DESC
"""


@dataclass(frozen=True, slots=True)
class Purchase:
    """The order that an operation is about."""

    id: UUID
    reference: Mapping[str, Any]
    total: int
    currency: str


@dataclass(frozen=True, slots=True)
class Activity:
    """The activity that an operation is about."""

    kind: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A tier that an operation gave or took, or lets the member keep for longer. None: below all; ``until``: for good."""

    tier_set: str
    before: str | None
    after: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AcceptedEntry:
    """An operation of the member, or one in which it is the second (``is_second``). ``other_id`` is the other of the two;
    ``hides_other``: there is one, who is not told.

    ``reason`` and ``note`` are what a person gave with it, the note is personal. ``reversed_kind`` is what kind of
    operation it took back.
    """

    id: UUID
    kind: str
    effective_at: datetime
    booked_at: datetime
    revision: int
    reverses: UUID | None
    reversed_kind: str | None
    other_id: UUID | None
    is_second: bool
    purchase: Purchase | None
    activity: Activity | None
    reason: str | None
    note: str | None
    movements: tuple[Movement, ...]
    actor: Actor
    tiers: tuple[Moved, ...] = ()
    hides_other: bool = False

    def without_other(self) -> "AcceptedEntry":
        """Return the same without who is the other of the two."""
        return self if self.other_id is None else replace(self, other_id=None, hides_other=True)


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A refused request about the member. ``problem`` is what the caller got."""

    id: UUID
    code: str
    booked_at: datetime
    problem: Mapping[str, Any]
    actor: Actor


TimelineEntry = AcceptedEntry | RefusedEntry


async def list_timeline(
    connection: Connection, program_id: int, member_id: UUID, *, before: UUID, limit: int
) -> list[TimelineEntry]:
    """Return the entries with ids below ``before``, newest first."""
    rows = await connection.fetch(_PAGE, program_id, member_id, before, limit)
    accepted = [row["id"] for row in rows if row["kind"] is not None]
    movements = await list_movements(connection, program_id, member_id, accepted)
    return [_read_entry(row, member_id, movements.get(row["id"], ())) for row in rows]


def _read_entry(row: Any, member_id: UUID, movements: tuple[Movement, ...]) -> TimelineEntry:  # noqa: ANN401 - a record of asyncpg
    is_second = row["other_member_id"] == member_id
    if row["kind"] is None:
        return RefusedEntry(row["id"], row["code"], row["booked_at"], orjson.loads(row["problem"]), read_actor(row))
    return AcceptedEntry(
        id=row["id"],
        kind=row["kind"],
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
        revision=row["revision"],
        reverses=row["reverses"],
        reversed_kind=row["reversed_kind"],
        other_id=row["member_id"] if is_second else row["other_member_id"],
        is_second=is_second,
        purchase=_read_purchase(row) if row["reference"] is not None else None,
        activity=Activity(row["activity"], row["subject"]) if row["activity"] is not None else None,
        reason=row["reason"],
        note=row["note"],
        movements=movements,
        actor=read_actor(row),
        tiers=() if is_second or row["tiers"] is None else _read_moves(row["tiers"]),
    )


def _read_moves(text: str) -> tuple[Moved, ...]:
    return tuple(
        Moved(move["set"], move["from"], move["tier"], datetime.fromisoformat(move["until"]) if move["until"] else None)
        for move in orjson.loads(text)
    )


def _read_purchase(row: Any) -> Purchase:  # noqa: ANN401 - a record of asyncpg
    return Purchase(row["order_id"], orjson.loads(row["reference"]), row["total"], row["currency"])
