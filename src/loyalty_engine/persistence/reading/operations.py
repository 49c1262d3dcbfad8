"""Operations and refusals as they are shown: what became of requests, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.rules.kept_reasons import show_kept_reason
from loyalty_engine.persistence.connections import Connection

ACTOR_COLUMNS: Final = "o.client_id, c.name AS client_name, o.location, o.till"
"""What :func:`read_actor` needs of an operation ``o`` and its client ``c``."""

_COLUMNS: Final = f"""
SELECT o.id, o.kind, o.member_id, o.other_member_id, o.order_id, o.effective_at, o.booked_at, o.revision, o.reverses,
       v.operation_id AS reversed_by, {ACTOR_COLUMNS}
"""

_SOURCES: Final = """
  FROM loyalty.operation o
  LEFT JOIN loyalty.reversal v ON v.program_id = o.program_id AND v.reversed_id = o.id
  LEFT JOIN loyalty.api_client c ON c.program_id = o.program_id AND c.id = o.client_id
"""

_LIST: Final = f"{_COLUMNS}{_SOURCES} WHERE o.program_id = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3"

_BY_ID: Final = f"{_COLUMNS}{_SOURCES} WHERE o.program_id = $1 AND o.id = ANY ($2) ORDER BY o.id DESC"

_DETAIL: Final = "SELECT facts, reasons, answer FROM loyalty.operation_detail WHERE program_id = $1 AND id = $2"

_KEY: Final = """
SELECT outcome_id, is_refusal FROM loyalty.idempotency
 WHERE program_id = $1 AND client_id = $2 AND scope = ANY ($3) AND key = $4
"""

# Without a hash it is only the number of an order that a return waits for.
_NUMBER: Final = """
SELECT order_id FROM loyalty.order_key WHERE program_id = $1 AND natural_key = $2 AND request_hash <> ''
"""

_REFUSALS: Final = """
SELECT f.id, f.code, f.member_id, f.booked_at, f.answer, f.client_id, c.name AS client_name,
       NULL AS location, NULL AS till
  FROM loyalty.refusal f
  LEFT JOIN loyalty.api_client c ON c.program_id = f.program_id AND c.id = f.client_id
 WHERE f.program_id = $1 AND f.id = ANY ($2)
 ORDER BY f.id DESC
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked: the API client, and where it stood. The name is None when the client is gone."""

    client_id: int
    client_name: str | None
    location: str | None
    till: str | None


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One accepted business act of the log."""

    id: UUID
    kind: str
    member_id: UUID | None
    other_member_id: UUID | None
    order_id: UUID | None
    effective_at: datetime
    booked_at: datetime
    revision: int
    reverses: UUID | None
    reversed_by: UUID | None
    actor: Actor


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A refused request whose key stays refused. ``problem`` is what the caller got."""

    id: UUID
    code: str
    member_id: UUID | None
    booked_at: datetime
    problem: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True, slots=True)
class OperationDetail:
    """What explains and repeats an operation."""

    facts: Mapping[str, Any]
    reasons: Sequence[Mapping[str, Any]]
    answer: Mapping[str, Any]


async def list_operations(
    connection: Connection, program_id: int, *, before: UUID, limit: int
) -> list[OperationRecord]:
    """Return operations with ids below ``before``, newest first."""
    rows = await connection.fetch(_LIST, program_id, before, limit)
    return [_read_operation(row) for row in rows]


async def find_operation(connection: Connection, program_id: int, operation_id: UUID) -> OperationRecord | None:
    """Return one operation."""
    row = await connection.fetchrow(_BY_ID, program_id, [operation_id])
    return None if row is None else _read_operation(row)


async def find_detail(connection: Connection, program_id: int, operation_id: UUID) -> OperationDetail | None:
    """Return what explains an operation; None once it is pruned."""
    row = await connection.fetchrow(_DETAIL, program_id, operation_id)
    if row is None:
        return None
    reasons = [show_kept_reason(kept) for kept in orjson.loads(row["reasons"])]
    return OperationDetail(orjson.loads(row["facts"]), reasons, orjson.loads(row["answer"]))


async def list_outcomes_of_key(
    connection: Connection, program_id: int, client_id: int, *, scopes: Sequence[str], key: str
) -> list[OperationRecord | RefusalRecord]:
    """Return what a client's idempotency key became, in each of the scopes in which it was used."""
    rows = await connection.fetch(_KEY, program_id, client_id, scopes, key)
    accepted = [row["outcome_id"] for row in rows if not row["is_refusal"]]
    refused = [row["outcome_id"] for row in rows if row["is_refusal"]]
    operations = await connection.fetch(_BY_ID, program_id, accepted) if accepted else []
    refusals = await connection.fetch(_REFUSALS, program_id, refused) if refused else []
    return [*map(_read_operation, operations), *map(_read_refusal, refusals)]


async def find_operation_of_number(connection: Connection, program_id: int, natural_key: str) -> OperationRecord | None:
    """Return the operation that accepted the order or return of that number: both take their operation's id."""
    found = await connection.fetchval(_NUMBER, program_id, natural_key)
    return None if found is None else await find_operation(connection, program_id, found)


def read_actor(row: Any) -> Actor:  # noqa: ANN401 - a record of asyncpg
    """Turn the columns of :data:`ACTOR_COLUMNS` into the actor."""
    return Actor(row["client_id"], row["client_name"], row["location"], row["till"])


def _read_operation(row: Any) -> OperationRecord:  # noqa: ANN401 - a record of asyncpg
    return OperationRecord(
        id=row["id"],
        kind=row["kind"],
        member_id=row["member_id"],
        other_member_id=row["other_member_id"],
        order_id=row["order_id"],
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
        revision=row["revision"],
        reverses=row["reverses"],
        reversed_by=row["reversed_by"],
        actor=read_actor(row),
    )


def _read_refusal(row: Any) -> RefusalRecord:  # noqa: ANN401 - a record of asyncpg
    return RefusalRecord(
        id=row["id"],
        code=row["code"],
        member_id=row["member_id"],
        booked_at=row["booked_at"],
        problem=orjson.loads(row["answer"]),
        actor=read_actor(row),
    )
