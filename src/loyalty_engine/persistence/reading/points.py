"""Points as they are shown: balances, postings, lots, what operations moved, and redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.kernel.ids import family_of
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.postings import MEMBER_ACCOUNTS
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.operations import ACTOR_COLUMNS, Actor, read_actor

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

_OPEN_LOTS: Final = """
SELECT l.* FROM loyalty.lot l
 WHERE l.program_id = $1 AND l.member_id = $2 AND l.remaining > 0 AND l.id < $3
 ORDER BY l.id DESC LIMIT $4
"""

# Spent lots have no index of their own: each is found by the posting that brought its points.
_LOTS: Final = """
SELECT l.*, p.seq
  FROM loyalty.posting p
  JOIN loyalty.lot l ON l.program_id = p.program_id AND l.id = p.lot_id AND l.operation_id = p.operation_id
 WHERE p.program_id = $1 AND p.member_id = $2 AND p.seq < $3 AND p.destination = 'available'
 ORDER BY p.seq DESC LIMIT $4
"""

_MOVEMENTS: Final = """
SELECT p.operation_id, p.wallet,
       coalesce(sum(p.amount) FILTER (WHERE p.source <> ALL ($6)), 0)::bigint AS added,
       coalesce(sum(p.amount) FILTER (WHERE p.destination <> ALL ($6)), 0)::bigint AS taken,
       coalesce(sum(CASE 'debt' WHEN p.source THEN p.amount WHEN p.destination THEN -p.amount END), 0)::bigint AS owed,
       (array_agg(p.available ORDER BY p.seq DESC))[1] AS available,
       (array_agg(p.pending ORDER BY p.seq DESC))[1] AS pending,
       (array_agg(p.held ORDER BY p.seq DESC))[1] AS held,
       (array_agg(p.debt ORDER BY p.seq DESC))[1] AS debt
  FROM loyalty.posting p
 WHERE p.program_id = $1 AND p.member_id = $2 AND p.operation_id = ANY ($3) AND p.id BETWEEN $4 AND $5
 GROUP BY p.operation_id, p.wallet
 ORDER BY p.wallet
"""

_REDEMPTION: Final = f"""
SELECT o.id, o.member_id, o.effective_at, o.booked_at, v.operation_id AS cancelled_by,
       (d.answer::json ->> 'amount')::bigint AS amount, {ACTOR_COLUMNS}
  FROM loyalty.operation o
  LEFT JOIN loyalty.reversal v ON v.program_id = o.program_id AND v.reversed_id = o.id
  LEFT JOIN loyalty.operation_detail d ON d.program_id = o.program_id AND d.id = o.id
  LEFT JOIN loyalty.api_client c ON c.program_id = o.program_id AND c.id = o.client_id
 WHERE o.program_id = $1 AND o.id = $2 AND o.kind = 'redemption'
"""  # noqa: S608 - the columns are a constant of ours

_USES: Final = """
SELECT u.lot_id, u.amount, l.wallet
  FROM loyalty.lot_use u
  JOIN loyalty.lot l ON l.program_id = u.program_id AND l.id = u.lot_id
 WHERE u.program_id = $1 AND u.operation_id = $2
 ORDER BY u.lot_id
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
class LotRecord:
    """Points earned together. ``seq`` is that of the posting which brought them, 0 where it was not read."""

    id: UUID
    wallet: str
    amount: int
    remaining: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    funder: str
    operation_id: UUID
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Movement:
    """What one operation did to a member's wallet.

    ``added`` came from the program, ``taken`` went to it, ``owed`` is by how much the debt grew (negative: it was
    paid). Hence what was available changed by ``added - taken + owed``.
    """

    wallet: str
    added: int
    taken: int
    owed: int
    after: Balance


@dataclass(frozen=True, slots=True)
class RedemptionRecord:
    """Points spent outside an order, and the lots that paid. ``amount`` is None once the details are pruned."""

    id: UUID
    member_id: UUID
    wallet: str
    points: int
    amount: int | None
    uses: tuple[tuple[UUID, int], ...]
    cancelled_by: UUID | None
    effective_at: datetime
    booked_at: datetime
    actor: Actor


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


async def list_open_lots(
    connection: Connection, program_id: int, member_id: UUID, *, before: UUID, limit: int
) -> list[LotRecord]:
    """Return a member's lots that have points left and ids below ``before``, newest first."""
    rows = await connection.fetch(_OPEN_LOTS, program_id, member_id, before, limit)
    return [_read_lot(row, 0) for row in rows]


async def list_lots(
    connection: Connection, program_id: int, member_id: UUID, *, before: int, limit: int
) -> list[LotRecord]:
    """Return all lots of a member that came with postings below ``before``, newest first."""
    rows = await connection.fetch(_LOTS, program_id, member_id, before, limit)
    return [_read_lot(row, row["seq"]) for row in rows]


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
        movement = Movement(row["wallet"], row["added"], row["taken"], row["owed"], _read_balance(row))
        movements[row["operation_id"]] = (*movements.get(row["operation_id"], ()), movement)
    return movements


async def find_redemption(connection: Connection, program_id: int, redemption_id: UUID) -> RedemptionRecord | None:
    """Return a redemption with the lots that paid for it."""
    row = await connection.fetchrow(_REDEMPTION, program_id, redemption_id)
    if row is None:
        return None
    uses = await connection.fetch(_USES, program_id, redemption_id)
    return RedemptionRecord(
        id=row["id"],
        member_id=row["member_id"],
        wallet=uses[0]["wallet"],
        points=sum(use["amount"] for use in uses),
        amount=row["amount"],
        uses=tuple((use["lot_id"], use["amount"]) for use in uses),
        cancelled_by=row["cancelled_by"],
        effective_at=row["effective_at"],
        booked_at=row["booked_at"],
        actor=read_actor(row),
    )


def _read_balance(row: Any) -> Balance:  # noqa: ANN401 - a record of asyncpg
    return Balance(row["available"], row["pending"], row["held"], row["debt"])


def _read_lot(row: Any, seq: int) -> LotRecord:  # noqa: ANN401 - a record of asyncpg
    return LotRecord(
        id=row["id"],
        wallet=row["wallet"],
        amount=row["amount"],
        remaining=row["remaining"],
        earned_at=row["earned_at"],
        available_at=row["available_at"],
        expires_at=row["expires_at"],
        funder=row["funder"],
        operation_id=row["operation_id"],
        seq=seq,
    )
