"""Orders as they were reported, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.points import as_earned
from loyalty_engine.core.returns.state import UNTOUCHED, OrderState
from loyalty_engine.persistence.codes import read_code_memory
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.order_changes import read_state
from loyalty_engine.persistence.orders import read_memory, read_promoted, show_lines

OrderStatus = Literal["credited", "claimed", "parked", "guest", "partly_returned", "returned", "cancelled"]

_LIFE: Final = """
  LEFT JOIN LATERAL (
      SELECT t.state, t.operation_id FROM loyalty.order_change t
       WHERE t.program_id = b.program_id AND t.order_id = b.id ORDER BY t.number DESC LIMIT 1) k ON true
  LEFT JOIN loyalty.operation c ON c.program_id = b.program_id AND c.id = k.operation_id
"""

_FIND: Final = f"""
SELECT b.*, q.member_id AS claimed_by, q.operation_id AS claimed_in, q.earned AS claim_earned,
       h.identity AS parked_for, k.state, c.kind AS changed_by
  FROM loyalty."order" b
  {_LIFE}
  LEFT JOIN loyalty.order_claim q ON q.program_id = b.program_id AND q.order_id = b.id
  LEFT JOIN loyalty.order_parked h ON h.program_id = b.program_id AND h.order_id = b.id
 WHERE b.program_id = $1 AND b.id = $2
"""  # noqa: S608 - the joins are a constant of ours

_PARKED: Final = f"""
SELECT b.*, NULL::uuid AS claimed_by, NULL::uuid AS claimed_in, NULL::jsonb AS claim_earned,
       h.identity AS parked_for, k.state, c.kind AS changed_by
  FROM loyalty.order_parked h
  JOIN loyalty."order" b ON b.program_id = h.program_id AND b.id = h.order_id
  {_LIFE}
 WHERE h.program_id = $1 AND h.identity = $2 AND h.order_id < $3
   AND NOT EXISTS (SELECT FROM loyalty.order_claim q WHERE q.program_id = h.program_id AND q.order_id = h.order_id)
 ORDER BY h.order_id DESC LIMIT $4
"""  # noqa: S608 - the joins are a constant of ours


_NUMBERED: Final = """
SELECT order_id FROM loyalty.order_key WHERE program_id = $1 AND natural_key = $2
 UNION
SELECT operation_id FROM loyalty.order_review
 WHERE program_id = $1 AND natural_key = $2 AND operation_id IS NOT NULL
 ORDER BY order_id DESC
"""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as it is by now; its id is that of the operation that accepted it.

    ``member_id`` is who it was credited to at once, ``claimed_by`` who took it over later with the operation
    ``claimed_in``. ``reference``, ``lines`` and ``tenders`` are as ``persistence/orders.py`` writes them, ``state`` is what
    came back as ``persistence/order_changes.py`` writes it, ``earned`` has what each rule gave, ``promoted`` what each
    promotion did, and ``codes`` the promo codes that opened some, by promotion; ``off`` is what promotions took off in all.
    ``changed_by`` is the kind of the last operation that changed it.
    """

    id: UUID
    reference: Mapping[str, Any]
    member_id: UUID | None
    claimed_by: UUID | None
    claimed_in: UUID | None
    parked_for: str | None
    placed_at: datetime
    currency: str
    goods_total: int
    shipping: int
    off: int
    promoted: Sequence[PromotionMemory]
    codes: Mapping[str, str]
    paid_with_points: int
    channel: str | None
    location: str | None
    lines: Sequence[Mapping[str, Any]]
    tenders: Sequence[tuple[str, int]]
    attributes: Mapping[str, Any]
    state: OrderState
    earned: Mapping[str, int]
    changed_by: str | None

    @property
    def status(self) -> OrderStatus:
        """What became of the order; as long as nothing of it came back, who has its points."""
        state = self.state
        if state.is_gone:
            return "cancelled" if self.changed_by == "order_cancel" else "returned"
        if state.lines or state.amount or state.shipping:
            return "partly_returned"
        if self.member_id is not None:
            return "credited"
        if self.claimed_by is not None:
            return "claimed"
        return "guest" if self.parked_for is None else "parked"


async def find_order(connection: Connection, program_id: int, order_id: UUID) -> OrderRecord | None:
    """Return one order."""
    row = await connection.fetchrow(_FIND, program_id, order_id)
    return None if row is None else _read_order(row)


async def find_numbered(connection: Connection, program_id: int, natural_key: str) -> list[OrderRecord]:
    """Return the order of a number, and those that reviews let stand beside it, newest first."""
    rows = await connection.fetch(_NUMBERED, program_id, natural_key)
    found = [await find_order(connection, program_id, row["order_id"]) for row in rows]
    return [record for record in found if record is not None]


async def list_parked(
    connection: Connection, program_id: int, identity: str, *, before: UUID, limit: int
) -> list[OrderRecord]:
    """Return the orders that still wait for the owner of an identity and have ids below ``before``, newest first."""
    rows = await connection.fetch(_PARKED, program_id, identity, before, limit)
    return [_read_order(row) for row in rows]


def _read_order(row: Any) -> OrderRecord:  # noqa: ANN401 - a record of asyncpg
    state = UNTOUCHED if row["state"] is None else read_state(orjson.loads(row["state"]))
    rest, lines, shipping = orjson.loads(row["rest"]), orjson.loads(row["lines"]), row["shipping"]
    shipping_off, promoted = rest.get("shipping_off", 0), read_promoted(rest.get("promoted", ()))
    tenders = [(kind, amount) for kind, amount in rest.get("tenders", ())]
    if state.edited is not None:
        lines, shipping = show_lines(state.edited.lines), state.edited.shipping
        shipping_off, promoted = state.edited.shipping_off, state.promoted or ()
        tenders = [(tender.kind, tender.amount) for tender in state.edited.tenders]
    return OrderRecord(
        id=row["id"],
        reference=rest["reference"],
        member_id=row["member_id"],
        claimed_by=row["claimed_by"],
        claimed_in=row["claimed_in"],
        parked_for=row["parked_for"],
        placed_at=row["placed_at"],
        currency=row["currency"],
        goods_total=sum(line["amount"] for line in lines),
        shipping=shipping,
        off=sum(line.get("off", 0) for line in lines) + shipping_off,
        promoted=promoted,
        codes={one.promotion: one.code for one in read_code_memory(rest.get("codes", ()))},
        paid_with_points=row["paid_with_points"],
        channel=row["channel"],
        location=row["location"],
        lines=lines,
        tenders=tenders,
        attributes=rest.get("attributes", {}),
        state=state,
        earned=_read_earned(row, rest, state),
        changed_by=row["changed_by"],
    )


def _read_earned(row: Any, rest: Mapping[str, Any], state: OrderState) -> dict[str, int]:  # noqa: ANN401 - as above
    """Return what each rule gave: at first, to whom claimed the order, or since it was edited. A guest gets nothing."""
    if row["member_id"] is None and row["claimed_by"] is None:
        return {}
    if state.earned is not None:
        return as_earned(state.earned)
    claimed = row["claim_earned"]
    return as_earned(read_memory(rest.get("earned", ()) if claimed is None else orjson.loads(claimed)))
