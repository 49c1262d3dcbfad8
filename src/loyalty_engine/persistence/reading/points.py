"""Points as they are shown: balances, postings, and what operations moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.kernel.ids import family_of
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.postings import MEMBER_ACCOUNTS
from loyalty_engine.persistence.connections import Connection

_BALANCES: Final = """
SELECT wallet, available, pending, held, debt FROM loyalty.balance WHERE program_id = $1 AND member_id = $2 ORDER BY wallet
"""

_POSTINGS: Final = """
SELECT p.seq, p.id, p.operation_id, p.wallet, p.source, p.destination, p.amount, p.lot_id, o.booked_at,
       p.available, p.pending, p.held, p.debt
  FROM loyalty.posting p
  JOIN loyalty.operation o ON o.program_id = p.program_id AND o.id = p.operation_id
 WHERE p.program_id = $1 AND p.member_id = $2 AND p.seq < $3 AND ($4::text IS NULL OR p.wallet = $4)
 ORDER BY p.seq DESC LIMIT $5
"""

_MOVEMENTS: Final = """
SELECT p.operation_id, p.wallet,
       coalesce(sum(p.amount) FILTER (WHERE p.source <> ALL ($6)), 0)::bigint AS added,
       coalesce(sum(p.amount) FILTER (WHERE p.destination <> ALL ($6)), 0)::bigint AS taken,
       coalesce(sum(p.amount) FILTER (WHERE p.destination = 'expired'), 0)::bigint AS too_old,
       coalesce(sum(CASE 'debt' WHEN p.source THEN p.amount WHEN p.destination THEN -p.amount END), 0)::bigint AS owed,
       coalesce(sum(CASE 'pending' WHEN p.destination THEN p.amount WHEN p.source THEN -p.amount END), 0)::bigint AS waiting,
       coalesce(sum(CASE 'held' WHEN p.destination THEN p.amount WHEN p.source THEN -p.amount END), 0)::bigint AS set_aside,
       coalesce(sum(p.amount) FILTER (WHERE p.source = 'pending' AND p.destination = 'available'), 0)::bigint AS matured,
       coalesce(sum(p.amount) FILTER (WHERE p.source = 'held' AND p.destination = 'available'), 0)::bigint AS released,
       (array_agg(p.available ORDER BY p.seq DESC))[1] AS available,
       (array_agg(p.pending ORDER BY p.seq DESC))[1] AS pending,
       (array_agg(p.held ORDER BY p.seq DESC))[1] AS held,
       (array_agg(p.debt ORDER BY p.seq DESC))[1] AS debt
  FROM loyalty.posting p
 WHERE p.program_id = $1 AND p.member_id = $2 AND p.operation_id = ANY ($3) AND p.id BETWEEN $4 AND $5
 GROUP BY p.operation_id, p.wallet
 ORDER BY p.wallet
"""


@dataclass(frozen=True, slots=True)
class PostingRecord:
    """One movement of the ledger with the member's balance in that wallet after it."""

    seq: int
    id: UUID
    operation_id: UUID
    wallet: str
    source: str
    destination: str
    amount: int
    lot_id: UUID | None
    booked_at: datetime
    after: Balance


@dataclass(frozen=True, slots=True)
class Movement:
    """What one operation did to a member's wallet.

    ``added`` came from the program, ``taken`` went to it, ``expired`` of that because it was too old; ``owed``, ``pending``
    and ``held`` are by how much the debt, what waits and what is set aside grew (negative: shrank). Hence what was
    available changed by ``added - taken + owed - pending - held``. ``matured`` waited no longer and ``released`` was no
    longer set aside: both can be spent since.
    """

    wallet: str
    added: int
    taken: int
    expired: int
    owed: int
    pending: int
    held: int
    matured: int
    released: int
    after: Balance


async def list_balances(connection: Connection, program_id: int, member_id: UUID) -> dict[str, Balance]:
    """Return a member's balances by wallet."""
    rows = await connection.fetch(_BALANCES, program_id, member_id)
    return {row["wallet"]: _read_balance(row) for row in rows}


async def list_postings(
    connection: Connection, program_id: int, member_id: UUID, *, before: int, wallet: str | None, limit: int
) -> list[PostingRecord]:
    """Return a member's postings below the sequence number ``before``, newest first."""
    rows = await connection.fetch(_POSTINGS, program_id, member_id, before, wallet, limit)
    return [
        PostingRecord(
            seq=row["seq"],
            id=row["id"],
            operation_id=row["operation_id"],
            wallet=row["wallet"],
            source=row["source"],
            destination=row["destination"],
            amount=row["amount"],
            lot_id=row["lot_id"],
            booked_at=row["booked_at"],
            after=_read_balance(row),
        )
        for row in rows
    ]


async def list_movements(
    connection: Connection, program_id: int, member_id: UUID, operation_ids: Sequence[UUID]
) -> dict[UUID, tuple[Movement, ...]]:
    """Return what each operation moved for its member, by wallet; operations that moved nothing are left out."""
    if not operation_ids:
        return {}
    lowest, highest = family_of(min(operation_ids))[0], family_of(max(operation_ids))[1]
    rows = await connection.fetch(
        _MOVEMENTS, program_id, member_id, operation_ids, lowest, highest, list(MEMBER_ACCOUNTS)
    )
    movements: dict[UUID, tuple[Movement, ...]] = {}
    for row in rows:
        movement = Movement(
            wallet=row["wallet"],
            added=row["added"],
            taken=row["taken"],
            expired=row["too_old"],
            owed=row["owed"],
            pending=row["waiting"],
            held=row["set_aside"],
            matured=row["matured"],
            released=row["released"],
            after=_read_balance(row),
        )
        movements[row["operation_id"]] = (*movements.get(row["operation_id"], ()), movement)
    return movements


def _read_balance(row: Any) -> Balance:  # noqa: ANN401 - a record of asyncpg
    return Balance(row["available"], row["pending"], row["held"], row["debt"])
