"""Rows in dictionaries: what record writes, kept by the plainest means there are."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.decision import Changes, OrderRow
from loyalty_engine.core.engine.facts import (
    Earlier,
    KnownHold,
    KnownReservation,
    MemberState,
    WaitingReturn,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.promotions.codes import KnownCode
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import UNTOUCHED, OrderState


@dataclass
class KeptOrder:
    """An order with all that became of it."""

    row: OrderRow
    request_hash: bytes
    revision: int
    operations: list[Changes]
    claimed_by: UUID | None = None
    earned: tuple[RuleMemory, ...] = ()
    promoted: tuple[PromotionMemory, ...] = ()
    state: OrderState = UNTOUCHED
    changes: int = 0
    spend: int = 0


@dataclass
class Rows:
    """All that is kept of a program. ``rulesets`` are by revision; the newest one decides."""

    rulesets: dict[int, Ruleset]
    members: dict[UUID, MemberState] = field(default_factory=dict)
    identities: dict[Identity, UUID] = field(default_factory=dict)
    lots: dict[UUID, Lot] = field(default_factory=dict)
    uses: dict[UUID, list[LotUse]] = field(default_factory=dict)
    holds: dict[UUID, KnownHold] = field(default_factory=dict)
    orders: dict[UUID, KeptOrder] = field(default_factory=dict)
    numbers: dict[str, Earlier] = field(default_factory=dict)
    waiting: dict[UUID, tuple[str, WaitingReturn]] = field(default_factory=dict)
    operations: dict[UUID, Changes] = field(default_factory=dict)
    reversed: dict[UUID, UUID] = field(default_factory=dict)
    reservations: dict[UUID, KnownReservation] = field(default_factory=dict)
    codes: dict[FoldedCode, KnownCode] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    leases: dict[tuple[str, datetime], int] = field(default_factory=dict)
    marks: dict[tuple[UUID, str, str], UUID] = field(default_factory=dict)
    first_balances: dict[tuple[UUID, str], Balance] = field(default_factory=dict)

    @property
    def ruleset(self) -> Ruleset:
        """The rules of today."""
        return self.rulesets[max(self.rulesets)]

    def enrol(self, member: MemberState, *identities: Identity) -> None:
        """Keep a member, with its lots."""
        self.lots.update((lot.id, lot) for lot in member.lots)
        self.first_balances.update(((member.id, wallet), balance) for wallet, balance in member.balances.items())
        self.members[member.id] = replace(member, lots=(), sees_lots=False)
        self.identities.update(dict.fromkeys(identities, member.id))

    def record(self, changes: Changes) -> None:
        """Keep the rows of one operation; its guards must hold."""
        operation = changes.operation
        assert operation.id not in self.operations
        self.operations[operation.id] = changes
        for guard, entries in ((changes.member, changes.entries), (changes.other, changes.other_entries)):
            if guard is None:
                continue
            known = self.members.get(guard.after.id)
            assert guard.expected_version == (known.version if known else 0)
            self.members[guard.after.id] = replace(guard.after, lots=(), holds=(), history=(), sees_lots=False)
            if entries is None:
                continue
            assert not self.lots.keys() & {lot.id for lot in entries.lots}
            self.lots.update((lot.id, lot) for lot in entries.lots)
            assert self.lots.keys() >= entries.lots_changed.keys()
            self.lots.update(entries.lots_changed)
            self.uses.setdefault(operation.id, []).extend(entries.uses)
            self.holds.update((hold.id, KnownHold(hold, guard.after.id)) for hold in entries.holds)
            for end in entries.hold_ends:
                assert self.holds[end.hold_id].ended_by is None
                self.holds[end.hold_id] = replace(
                    self.holds[end.hold_id],
                    ended_by=operation.id,
                    captured=end.captured,
                    has_expired=operation.kind == "time_passed",
                )
        self._take(changes)
        self._record_reservation(changes)
        if operation.reverses is not None:
            assert operation.reverses not in self.reversed
            self.reversed[operation.reverses] = operation.id
        if changes.activity is not None and changes.activity.mark is not None:
            self.marks[changes.activity.member_id, changes.activity.kind, changes.activity.mark] = operation.id
        self.identities.update(
            (identity, operation.member_id) for identity in changes.identities_added if operation.member_id
        )
        self._record_order(changes)

    def counters(self, now: datetime) -> dict[str, int]:
        """Return what is used of shared counters, or held by reservations that have not run out."""
        used = dict(self.shared)
        for (counter, until), amount in self.leases.items():
            if until > now:
                used[counter] = used.get(counter, 0) + amount
        return {counter: amount for counter, amount in used.items() if amount}

    def _take(self, changes: Changes) -> None:
        now, net = changes.operation.booked_at, dict[str, int]()
        for take in changes.takes:
            net[take.counter] = net.get(take.counter, 0) + take.amount
            if take.until is None:
                self.shared[take.counter] = self.shared.get(take.counter, 0) + take.amount
                assert self.shared[take.counter] >= 0
            else:
                lease = take.counter, take.until
                self.leases[lease] = self.leases.get(lease, 0) + take.amount
                assert self.leases[lease] >= 0
                assert take.until > now
        for take in changes.takes:
            assert net[take.counter] <= 0 or self.counters(now)[take.counter] <= take.cap

    def _record_reservation(self, changes: Changes) -> None:
        made, end = changes.reservation, changes.reservation_end
        if made is not None:
            assert made.id == changes.operation.id
            self.reservations[made.id] = KnownReservation(made, made.member_id)
        if end is not None:
            known = self.reservations[end.reservation_id]
            assert known.ended_by is None
            self.reservations[end.reservation_id] = replace(known, ended_by=changes.operation.id, how=end.how)

    def _record_order(self, changes: Changes) -> None:
        operation, row = changes.operation, changes.order
        if row is not None:
            kept = KeptOrder(row, operation.call.request_hash, operation.revision, [changes])
            kept.earned, kept.promoted = row.earned, row.promoted
            kept.spend = max(row.order.goods_total - (row.payment.amount if row.payment else 0), 0)
            self.orders[row.id] = kept
        if changes.claimed_order_id is not None:
            kept = self.orders[changes.claimed_order_id]
            assert kept.claimed_by is None
            kept.claimed_by, kept.earned, kept.revision = operation.member_id, changes.claimed, operation.revision
            kept.operations.append(changes)
        change = changes.order_change
        if change is not None:
            kept = self.orders[change.order_id]
            assert change.number == kept.changes + 1
            kept.changes, kept.state, kept.spend = change.number, change.state, change.spend
            kept.earned = kept.earned if change.state.earned is None else change.state.earned
            kept.promoted = kept.promoted if change.state.promoted is None else change.state.promoted
            kept.operations.append(changes)
            if operation.kind == "order_edit":
                kept.revision = operation.revision
        if changes.natural_key is not None:
            assert changes.natural_key not in self.numbers
            self.numbers[changes.natural_key] = Earlier(operation.call.request_hash, "{}", operation_id=operation.id)
        if changes.waiting is not None:
            waiting = WaitingReturn(
                operation.id, changes.waiting.goods, operation.effective_at, changes.waiting.waits_until
            )
            self.waiting[operation.id] = changes.waiting.natural_key, waiting
        for operation_id in changes.matched:
            del self.waiting[operation_id]
