"""The plainest store there is: it shows what gather would, decides on that, and keeps what record would write."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision
from loyalty_engine.core.engine.facts import (
    Earlier,
    Facts,
    KnownOperation,
    KnownOrder,
    KnownRedemption,
    KnownReservation,
    MemberState,
)
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.membership_requests import (
    PayMembership,
)
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    CancelRedemption,
    ChangeLot,
    ClaimOrder,
    ConfirmReservation,
    EditOrder,
    EndHold,
    EnrolMember,
    HoldPoints,
    MemberRef,
    MergeMembers,
    OrderRef,
    PlaceOrder,
    RecordActivity,
    Redeem,
    ReleaseReservation,
    Request,
    ReserveOrder,
    ReturnGoods,
    ReverseOperation,
    Transfer,
)
from loyalty_engine.core.points.lots import LotUse, spending_order
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import natural_key, payment_key
from tests.core.ledger_checks import check_fold, check_ledger
from tests.core.rows import KeptOrder, Rows


@dataclass
class Store(Rows):
    """Decides requests one upon the other; what it keeps is checked after each."""

    def decide(self, request: Asked, now: datetime) -> Decision:
        """Decide upon what is kept, twice, and record what is accepted."""
        facts = self.gather(request, now)
        decision = decide(self.ruleset, facts, request, now)
        assert decision == decide(self.ruleset, facts, request, now)
        if isinstance(decision, Accepted):
            before = replace(self, lots=dict(self.lots), members=dict(self.members))
            for changes in decision.parts:
                self.record(changes)
            check_fold(before, decision.parts, self)
            check_ledger(self)
            self._compare(reduce(apply, decision.parts, facts), {part.operation.kind for part in decision.parts}, now)
        return decision

    def accept(self, request: Asked, now: datetime) -> Accepted:
        """Decide a request that must not be refused."""
        decision = self.decide(request, now)
        assert isinstance(decision, Accepted), decision
        return decision

    def gather(self, request: Asked, now: datetime) -> Facts:
        """Return what the request's decision may look at; lots only where it needs them or something is due."""
        facts = Facts(counters=self.counters(now), codes=self.codes)
        member: MemberRef | UUID | None = getattr(request, "member", None)
        subjects: list[UUID] = []
        wants_lots = True
        match request:
            case PlaceOrder(order=order):
                number = natural_key(order.reference, request.call.actor.location)
                facts = self._of_order(facts, number, now)
                facts = self._of_returns(facts, [exchange.order for exchange in request.exchanges], request)
                wants_lots = request.payment is not None or bool(request.exchanges or facts.waiting)
            case ReserveOrder(replaces=replaces):
                wants_lots = request.payment is not None or replaces is not None
                facts = self._of_reservation(facts, replaces) if replaces is not None else facts
            case ConfirmReservation():
                number = natural_key(request.reference, request.call.actor.location)
                facts = self._of_reservation(self._of_order(facts, number, now), request.reservation_id)
            case ReleaseReservation():
                facts = self._of_reservation(facts, request.reservation_id)
            case ReturnGoods():
                facts = self._of_returns(facts, [request.order], request)
                if request.reference is not None:
                    number = natural_key(request.reference, request.call.actor.location)
                    facts = replace(facts, same_number=self.numbers.get(number))
            case CancelOrder() | EditOrder() | ActivateOrder():
                facts = self._of_returns(facts, [request.order_id], request)
            case ClaimOrder():
                kept = self.orders.get(request.order_id)
                facts = replace(facts, order=None if kept is None else self.known(kept))
                wants_lots = False
            case RecordActivity(kind=kind, subject=subject, occurred_at=at):
                owner = self._find(request.member)
                mark = self.ruleset.mark_of(kind, subject, at)
                if owner is not None and mark is not None:
                    facts = replace(facts, marked_by=self.marks.get((owner, kind, mark)))
                if subject is not None:
                    number = payment_key(subject, request.call.actor.location)
                    facts = replace(facts, same_number=self.numbers.get(number))
                wants_lots = False
            case PayMembership():
                facts = replace(facts, same_number=self.numbers.get(request.natural_key))
                wants_lots = False
            case CancelRedemption():
                facts = replace(facts, redemption=self._redemption(request.redemption_id))
                if facts.redemption is not None:
                    member, subjects = facts.redemption.member_id, [use.lot_id for use in facts.redemption.uses]
            case EndHold():
                facts = self._of_reservation(facts, request.hold_id)
                facts = replace(facts, hold=self.holds.get(request.hold_id))
                if facts.hold is not None:
                    member, subjects = facts.hold.member_id, [use.lot_id for use in facts.hold.hold.uses]
            case ChangeLot():
                found = self.lots.get(request.lot_id)
                member, subjects = (found.member_id, [found.id]) if found is not None else (None, [])
            case Transfer(recipient=other) | MergeMembers(absorbed=other):
                facts = replace(facts, other=self._member(other, now, wants_lots=True))
            case ReverseOperation():
                return self._of_reversal(facts, request, now)
            case Redeem() | HoldPoints() | Adjust() | EnrolMember():
                pass
            case _:
                wants_lots = False
        if facts.reservation is not None:
            if not isinstance(request, ReserveOrder):
                member = facts.reservation.member_id
            subjects += [use.lot_id for use in facts.reservation.hold.hold.uses] if facts.reservation.hold else []
        for known in facts.returned.values():
            member = member or known.claimed_by or known.member_id
            subjects += [*known.own, *known.graces, *(use.lot_id for use in known.uses), *map(UUID, known.state.taken)]
        return replace(facts, member=self._member(member, now, wants_lots=wants_lots, subjects=subjects))

    def known(self, kept: KeptOrder) -> KnownOrder:
        """Return an order as gather shows it."""
        row = kept.row
        took = [part for part in kept.operations if part.operation.kind in ("return", "order_cancel")]
        gave = [part for part in kept.operations if part not in took]
        parked = row.parked_for
        return KnownOrder(
            id=row.id,
            earlier=Earlier(kept.request_hash, "{}", operation_id=row.id),
            member_id=self._stands_for(row.member_id),
            claimed_by=self._stands_for(kept.claimed_by),
            parked_for=parked,
            parked_owner=self._stands_for(self.identities.get(parked)) if parked is not None else None,
            order=row.order,
            revision=kept.revision,
            earned=kept.earned,
            promoted=kept.promoted,
            codes=row.codes,
            payment=row.payment,
            uses=tuple(
                use for use in self._uses(row.reservation_id or row.id) if self.lots[use.lot_id].operation_id != row.id
            )
            if row.payment
            else (),
            changes=kept.changes,
            state=kept.state,
            own=self._brought(gave),
            graces=self._brought(took),
        )

    def see(self, member_id: UUID) -> MemberState:
        """Return a member with everything there is to see."""
        return self._show(self.members[member_id], sees_lots=True, subjects=())

    def _member(
        self, ref: MemberRef | None, now: datetime, *, wants_lots: bool, subjects: Iterable[UUID] = ()
    ) -> MemberState | None:
        member_id = self._find(ref) if ref is not None else None
        if member_id is None or member_id not in self.members:
            return None
        member = self.members[member_id]
        is_due = member.due_at is not None and member.due_at <= max(now, member.booked_at)
        return self._show(member, sees_lots=wants_lots or is_due, subjects=subjects)

    def _show(self, member: MemberState, *, sees_lots: bool, subjects: Iterable[UUID]) -> MemberState:
        member = replace(member, history=self._history(member.id))
        if not sees_lots:
            return member
        holds = tuple(
            known.hold
            for known in self.holds.values()
            if known.ended_by is None and self._stands_for(known.member_id) == member.id
        )
        shown = {lot.id for lot in self.lots.values() if lot.member_id == member.id and lot.remaining}
        carried = {lot_id: of for lot_id, of in self._carried_on(subjects) if self.lots[lot_id].member_id == member.id}
        shown |= {*subjects, *carried, *(use.lot_id for hold in holds for use in hold.uses)}
        lots = tuple(replace(self.lots[lot_id], carries_on=carried.get(lot_id)) for lot_id in sorted(shown))
        return replace(member, lots=lots, holds=holds, sees_lots=True)

    def _history(self, member_id: UUID) -> tuple[PastOrder, ...]:
        found = []
        for kept in self.orders.values():
            owner = kept.claimed_by or kept.row.member_id
            if self._stands_for(owner) == member_id and not kept.state.is_gone:
                changed = [part.order_change for part in kept.operations if part.order_change is not None]
                lines = changed[-1].lines if changed else kept.row.order.lines
                found.append(PastOrder(kept.row.order.placed_at, kept.spend, lines))
        return tuple(sorted(found, key=lambda past: past.placed_at, reverse=True))

    def _find(self, ref: MemberRef) -> UUID | None:
        return self._stands_for(ref if isinstance(ref, UUID) else self.identities.get(ref))

    def _stands_for(self, member_id: UUID | None) -> UUID | None:
        while member_id in self.members and self.members[member_id].merged_into is not None:
            member_id = self.members[member_id].merged_into
        return member_id

    def _of_order(self, facts: Facts, number: str, now: datetime) -> Facts:
        order = next((kept for kept in self.orders.values() if kept.row.natural_key == number), None)
        waiting = tuple(found for key, found in self.waiting.values() if key == number and found.waits_until > now)
        if order is not None:
            return replace(facts, order=self.known(order))
        return replace(facts, waiting=waiting)

    def _of_reservation(self, facts: Facts, reservation_id: UUID) -> Facts:
        known = self.reservations.get(reservation_id)
        if known is None:
            return facts
        held, number = self.holds.get(reservation_id), known.reservation.revision
        shown = KnownReservation(known.reservation, self._stands_for(known.member_id), known.ended_by, known.how, held)
        return replace(facts, reservation=shown, rulesets={number: self.rulesets[number]})

    def _of_returns(self, facts: Facts, refs: Iterable[OrderRef], request: Request) -> Facts:
        returned: dict[OrderRef, KnownOrder] = {}
        for ref in refs:
            number = None if isinstance(ref, UUID) else natural_key(ref, request.call.actor.location)
            for kept in self.orders.values():
                if kept.row.id == ref or kept.row.natural_key == number:
                    returned[ref] = self.known(kept)
        revisions = {known.revision: self.rulesets[known.revision] for known in returned.values()}
        return replace(facts, returned=returned, rulesets=revisions)

    def _of_reversal(self, facts: Facts, request: ReverseOperation, now: datetime) -> Facts:
        changes = self.operations.get(request.operation_id)
        if changes is None:
            return facts
        operation = changes.operation
        entries = [found for found in (changes.entries, changes.other_entries) if found is not None]
        own = tuple(sorted(lot.id for found in entries for lot in found.lots))
        uses = self._uses(operation.id)
        other_id = operation.other_member_id
        theirs = [
            kept for kept in self.orders.values() if other_id and self._is_of(kept, other_id) and not kept.state.is_gone
        ]
        known = KnownOperation(
            id=operation.id,
            kind=operation.kind,
            member_id=operation.member_id,
            other_member_id=other_id,
            reversed_by=self.reversed.get(operation.id),
            postings=tuple(posting for found in entries for posting in found.postings),
            uses=uses,
            own=own,
            detail=changes.facts,
            orders=len(theirs),
            spend=sum(kept.spend for kept in theirs),
        )
        subjects = [*own, *(use.lot_id for use in uses)]
        mine = [found for found in subjects if self.lots[found].member_id != other_id]
        others = [found for found in subjects if self.lots[found].member_id == other_id]
        member = self._member(operation.member_id, now, wants_lots=True, subjects=mine)
        other = None
        if other_id is not None and operation.kind == "merge":
            other = self._show(self.members[other_id], sees_lots=True, subjects=others)
        elif other_id is not None:
            other = self._member(other_id, now, wants_lots=True, subjects=others)
        return replace(facts, member=member, other=other, reversed=known)

    def _carried_on(self, lot_ids: Iterable[UUID]) -> Iterator[tuple[UUID, UUID]]:
        """Yield the lots, open or not, that carry on one that a merged member left behind, each with that one."""
        for lot_id in lot_ids:
            found, member = lot_id, self.members[self.lots[lot_id].member_id]
            while member.merged_into is not None:
                merges = (changes for changes in self.operations.values() if changes.operation.kind == "merge")
                merge = [changes for changes in merges if changes.operation.other_member_id == member.id][-1]
                assert merge.entries is not None
                assert merge.other_entries is not None
                went = [
                    row.lot_id for row in merge.other_entries.postings if row.destination == "transit" and row.lot_id
                ]
                came = [row.lot_id for row in merge.entries.postings if row.source == "transit" and row.lot_id]
                heirs = dict(zip(went, came, strict=True))
                if found not in heirs:
                    break
                found, member = heirs[found], self.members[member.merged_into]
                yield found, lot_id

    def _is_of(self, kept: KeptOrder, member_id: UUID) -> bool:
        """Tell whether an order is one of the member's own, or of those that were merged into it."""
        owner = kept.claimed_by or kept.row.member_id
        while owner is not None and owner != member_id:
            owner = self.members[owner].merged_into
        return owner == member_id

    def _redemption(self, redemption_id: UUID) -> KnownRedemption | None:
        changes = self.operations.get(redemption_id)
        if changes is None or changes.operation.kind != "redemption" or changes.operation.member_id is None:
            return None
        uses = self._uses(redemption_id)
        member_id = self._stands_for(changes.operation.member_id)
        assert member_id is not None
        wallet, points = self.lots[uses[0].lot_id].wallet, sum(use.amount for use in uses)
        return KnownRedemption(redemption_id, member_id, wallet, points, uses, self.reversed.get(redemption_id))

    def _uses(self, operation_id: UUID) -> tuple[LotUse, ...]:
        return tuple(sorted(self.uses.get(operation_id, ()), key=lambda use: spending_order(self.lots[use.lot_id])))

    def _brought(self, parts: Iterable[Changes]) -> tuple[UUID, ...]:
        operations = {part.operation.id for part in parts}
        return tuple(sorted(lot.id for lot in self.lots.values() if lot.operation_id in operations))

    def _compare(self, moved: Facts, kinds: set[str], now: datetime) -> None:
        """What :func:`apply` made of the facts is what a fresh gather shows."""
        for member in (moved.member, moved.other):
            if member is not None:
                fresh = self._show(self.members[member.id], sees_lots=False, subjects=())
                assert comparable(member) == comparable(fresh)
                if kinds.isdisjoint(("merge", "reversal")):
                    assert Counter(map(repr, member.history)) == Counter(map(repr, fresh.history))
                if member.sees_lots:
                    seen = self.see(member.id)
                    own = [lot for lot in member.lots if lot.remaining and lot.member_id == member.id]
                    assert {replace(lot, carries_on=None) for lot in own} == {lot for lot in seen.lots if lot.remaining}
                    assert set(member.holds) == set(seen.holds)
        assert {name: used for name, used in moved.counters.items() if used} == self.counters(now)


def comparable(member: MemberState) -> Mapping[str, Any]:
    """Return what rows keep of a member."""
    shown = {name: getattr(member, name) for name in MemberState.__slots__}
    for name in ("lots", "holds", "history", "sees_lots", "profile"):
        del shown[name]
    return shown
