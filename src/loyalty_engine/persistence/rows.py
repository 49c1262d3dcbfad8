"""From writes to the composite rows that the record functions take, in the column order of ``types_v*.sql``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from loyalty_engine.core.engine.decision import ActivityRow, Changes, MemberWrite, Operation, OrderRow, Take
from loyalty_engine.core.engine.fold import Note, Write
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.points.postings import Posting
from loyalty_engine.core.rules.kept_reasons import keep_reason
from loyalty_engine.core.rules.order import Receipt
from loyalty_engine.core.rules.reasons import PromotionReason, Reason
from loyalty_engine.persistence.orders import show_lines, show_rest
from loyalty_engine.persistence.rare_rows import Row, rare_rows


@dataclass(slots=True)
class Rows:
    """All rows of one call to record, by table. Mutable while it is filled."""

    writes: list[int] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    takes: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    operations: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    balances: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)
    lots: list[Row] = field(default_factory=list)
    lot_changes: list[Row] = field(default_factory=list)
    lot_uses: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)
    rare: list[Row] = field(default_factory=list)
    activities: list[Row] = field(default_factory=list)

    @property
    def fits_shape_s(self) -> bool:
        """Whether this is one write, of one member that is recorded already, and brings nothing rare."""
        if len(self.writes) != 1 or len(self.members) != 1 or self.members[0][2] == 0:
            return False
        return not (self.takes or self.refusals or self.rare or self.activities)


def write_answer(answer: Mapping[str, Any]) -> str:
    """Return an answer as it is kept, and sent."""
    return orjson.dumps(answer).decode()


def rows_of(writes: Sequence[Write]) -> Rows:
    """Lay out writes for record; each row begins with its write's number."""
    rows = Rows()
    for n, write in enumerate(writes):
        rows.writes.append(n)
        _add_members(rows, n, write)
        for part in write.parts:
            _add_changes(rows, n, part)
        rows.rare.extend(rare_rows(n, write))
        for note in write.notes:
            _add_note(rows, n, note)
    return rows


def _add_members(rows: Rows, n: int, write: Write) -> None:
    rows.members.extend([_member_row(n, guard) for guard in write.members])
    for (member_id, wallet), balance in write.balances.items():
        rows.balances.append(
            (
                n,
                member_id,
                wallet,
                balance.available,
                balance.pending,
                balance.held,
                balance.debt,
                balance.expires_at,
            )
        )
    rows.lots.extend([_lot_row(n, lot) for lot in write.lots])
    rows.lot_changes.extend([_lot_change_row(n, lot) for lot in write.lots_changed.values()])


def _member_row(n: int, guard: MemberWrite) -> Row:
    after = guard.after
    return (
        n,
        after.id,
        guard.expected_version,
        after.version,
        after.seq,
        after.status,
        after.booked_at,
        after.orders,
        after.spend,
        after.first_order_at,
        after.last_order_at,
        after.enrolled_at,
        orjson.dumps(dict(after.counters)).decode() if after.counters else None,
        after.due_at,
    )


def _add_changes(rows: Rows, n: int, changes: Changes) -> None:
    operation = changes.operation
    rows.operations.append(_operation_row(n, operation, changes))
    _add_outcome(rows, n, operation.call, operation.id, is_refusal=False)
    if changes.order is not None:
        rows.orders.append(_order_row(n, changes.order, operation.call))
    for entries in (changes.entries, changes.other_entries):
        if entries is not None:
            rows.postings.extend([_posting_row(n, posting) for posting in entries.postings])
            rows.lot_uses.extend([(n, operation.id, use.lot_id, use.amount) for use in entries.uses])
    if changes.activity is not None:
        rows.activities.append(_activity_row(n, changes.activity, operation))
    rows.takes.extend([_take_row(n, take, operation) for take in changes.takes])


def _add_outcome(rows: Rows, n: int, call: Call, outcome_id: object, *, is_refusal: bool) -> None:
    if call.key is not None:
        rows.outcomes.append((n, call.actor.client_id, call.scope, call.key, outcome_id, is_refusal, call.request_hash))


def _add_note(rows: Rows, n: int, note: Note) -> None:
    call = note.call
    if note.operation_id is not None:
        _add_outcome(rows, n, call, note.operation_id, is_refusal=False)
        return
    _add_outcome(rows, n, call, call.operation_id, is_refusal=True)
    rows.refusals.append(
        (n, call.operation_id, note.code, note.member_id, call.actor.client_id, note.booked_at, note.answer)
    )


def _operation_row(n: int, operation: Operation, changes: Changes) -> Row:
    order = changes.order.order if changes.order else None
    reference = order.reference if order else None
    reasons: tuple[Reason | PromotionReason, ...] = (*changes.reasons, *changes.promotion_reasons)
    return (
        n,
        operation.id,
        operation.kind,
        operation.member_id,
        operation.order_id,
        operation.call.actor.client_id,
        _location_of(operation, changes),
        reference.till if isinstance(reference, Receipt) else operation.call.actor.till,
        operation.effective_at,
        operation.booked_at,
        operation.revision,
        operation.reverses,
        operation.other_member_id,
        orjson.dumps(changes.facts).decode(),
        orjson.dumps([keep_reason(reason) for reason in reasons]).decode(),
        write_answer(changes.answer),
    )


def _location_of(operation: Operation, changes: Changes) -> str | None:
    if changes.order is not None:
        return changes.order.order.location
    if changes.activity is not None:
        return changes.activity.location
    return operation.call.actor.location


def _order_row(n: int, row: OrderRow, call: Call) -> Row:
    order = row.order
    return (
        n,
        row.id,
        row.natural_key,
        call.request_hash,
        row.member_id,
        order.placed_at,
        order.currency,
        order.goods_total,
        order.shipping,
        row.payment.amount if row.payment else 0,
        order.channel,
        order.location,
        orjson.dumps(show_lines(order.lines)).decode(),
        orjson.dumps(
            show_rest(order, row.earned, row.promoted, codes=row.codes, reservation_id=row.reservation_id)
        ).decode(),
    )


def _take_row(n: int, take: Take, operation: Operation) -> Row:
    return (n, operation.id, take.counter, take.amount, take.cap, take.until, operation.booked_at)


def _activity_row(n: int, row: ActivityRow, operation: Operation) -> Row:
    return (
        n,
        row.id,
        row.member_id,
        row.kind,
        row.subject,
        row.mark,
        operation.effective_at,
        orjson.dumps(dict(row.attributes)).decode(),
    )


def _posting_row(n: int, posting: Posting) -> Row:
    after = posting.after
    return (
        n,
        posting.id,
        posting.operation_id,
        posting.member_id,
        posting.seq,
        posting.wallet,
        posting.source,
        posting.destination,
        posting.amount,
        posting.lot_id,
        after.available,
        after.pending,
        after.held,
        after.debt,
    )


def _lot_row(n: int, lot: Lot) -> Row:
    return (
        n,
        lot.id,
        lot.member_id,
        lot.wallet,
        lot.amount,
        lot.remaining,
        lot.earned_at,
        lot.available_at,
        lot.expires_at,
        lot.funder,
        lot.cost_micros,
        lot.operation_id,
        lot.expired or None,
    )


def _lot_change_row(n: int, lot: Lot) -> Row:
    return (n, lot.id, lot.remaining, lot.available_at, lot.expires_at, lot.expired or None)
