"""Folding: several decisions over one gather become one write with one fate.

:func:`apply` gives the facts as a fresh gather would show them after the changes; :func:`fold` joins the changes of
one turn so that each member's guard, balances and lots are written once. Queued requests, batches and the model test all
use these two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.decision import Changes, MemberWrite, OrderChange, OrderRow, Take
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, MemberState, OperationKind
from loyalty_engine.core.engine.keeping import spend_of
from loyalty_engine.core.engine.requests import Call, OrderRef
from loyalty_engine.core.memberships.membership import Membership
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Entries
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.core.returns.goods import keep
from loyalty_engine.core.rules.history import MOST_ORDERS, PastOrder
from loyalty_engine.core.tiers.standings import MemberTier


@dataclass(frozen=True, slots=True)
class Note:
    """A key that became no operation of its own: a stored refusal, or another name of an earlier operation.

    ``operation_id`` is the earlier operation; None means a refusal with ``code`` and ``answer``.
    """

    call: Call
    booked_at: datetime
    member_id: UUID | None = None
    operation_id: UUID | None = None
    code: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """What record writes all or nothing: the guards, net rows of balances and lots, and each operation's own rows.

    ``balances`` are by member and wallet, ``tiers`` by member and tier set, ``plans`` by member and plan, ``referrals`` as the last part leaves each.
    ``notes`` bind keys to outcomes that are not new operations; they rest on the same state and share its fate.
    """

    parts: tuple[Changes, ...]
    notes: tuple[Note, ...]
    members: tuple[MemberWrite, ...]
    balances: Mapping[tuple[UUID, str], Balance]
    lots: tuple[Lot, ...]
    lots_changed: Mapping[UUID, Lot]
    tiers: Mapping[tuple[UUID, str], MemberTier] = field(default_factory=dict)
    plans: Mapping[tuple[UUID, str], Membership] = field(default_factory=dict)
    referrals: tuple[Referral, ...] = ()


def apply(facts: Facts, changes: Changes) -> Facts:
    """Return ``facts`` as they stand after ``changes``, for what is decided upon them.

    What was bought is the newest of its member's history, with lines even where history was read without. An order that
    is placed is known by its id from then on.
    """
    activity = changes.activity
    return replace(
        facts,
        returned=_move_returned(facts, changes) if changes.order or changes.order_change else facts.returned,
        member=move_member(facts, changes),
        other=_move_other(facts.other, changes),
        counters=_take(facts.counters, changes.takes) if changes.takes else facts.counters,
        marked_by=activity.id if activity and activity.mark is not None else facts.marked_by,
        given=facts.given.union(row.code for row in changes.codes) if changes.codes else facts.given,
        referral=changes.referral or facts.referral,
    )


def carry_on(facts: Facts, moved: Facts) -> Facts:
    """Return what was read for a request with what those before it left of the same member, over one gather."""
    return replace(
        facts,
        member=moved.member,
        other=_carry_other(facts, moved),
        counters=moved.counters,
        given=moved.given,
        referral=moved.referral or facts.referral,
    )


def _carry_other(facts: Facts, moved: Facts) -> MemberState | None:
    """Return a request's own second member, or the advocate of who was brought just before; never that of another request."""
    own, left = facts.other, moved.other
    if left is None or (own is not None and own.id != left.id):
        return own
    if own is None and (moved.referral is None or moved.referral.advocate_id != left.id):
        return None
    return left


def fold(parts: Sequence[Changes], notes: Sequence[Note] = ()) -> Write:
    """Join changes that were decided one upon the other; the first must rest on what gather read."""
    guards: dict[UUID, MemberWrite] = {}
    balances: dict[tuple[UUID, str], Balance] = {}
    new: dict[UUID, Lot] = {}
    changed: dict[UUID, Lot] = {}
    for guard, entries in _ledgers(parts):
        member_id = guard.after.id
        first = guards.get(member_id, guard)
        guards[member_id] = MemberWrite(first.expected_version, guard.after)
        if entries is None:
            continue
        balances.update(((member_id, wallet), balance) for wallet, balance in entries.balances.items())
        new.update((lot.id, lot) for lot in entries.lots)
        for lot_id, lot in entries.lots_changed.items():
            (new if lot_id in new else changed)[lot_id] = lot
    tiers = {(move.member_id, move.tier_set): move.after for part in parts for move in part.tiers}
    referrals = {part.referral.id: part.referral for part in parts if part.referral is not None}
    return Write(
        parts=tuple(parts),
        notes=tuple(notes),
        members=tuple(guards.values()),
        balances=balances,
        lots=tuple(new.values()),
        lots_changed=changed,
        tiers=tiers,
        plans={(move.member_id, move.plan): move.after for part in parts for move in part.plans},
        referrals=tuple(referrals.values()),
    )


def _ledgers(parts: Iterable[Changes]) -> Iterable[tuple[MemberWrite, Entries | None]]:
    """Yield each member that the parts change, with what they write to its ledger."""
    for part in parts:
        if part.member is not None:
            yield part.member, part.entries
        if part.other is not None:
            yield part.other, part.other_entries


def move_member(facts: Facts, changes: Changes) -> MemberState | None:
    """Return the member as it stands after the changes, with what they add to its history."""
    if changes.member is None or (facts.member is not None and changes.member.after.id != facts.member.id):
        return facts.member
    after = changes.member.after
    before = facts.member.history if facts.member else ()
    history = _move_history(before, facts, changes)
    return after if history is None else replace(after, history=history)


def _move_other(other: MemberState | None, changes: Changes) -> MemberState | None:
    if other is None:
        return None
    for guard in (changes.member, changes.other):
        if guard is not None and guard.after.id == other.id:
            return guard.after
    return other


def _move_returned(facts: Facts, changes: Changes) -> Mapping[OrderRef, KnownOrder]:
    after = dict(facts.returned)
    if changes.order is not None:
        after[changes.order.id] = _known(facts, changes, changes.order)
    change = changes.order_change
    if change is not None:
        new = tuple(lot.id for lot in changes.entries.lots) if changes.entries else ()
        for ref, known in facts.returned.items():
            if known.id == change.order_id:
                after[ref] = _changed(known, change, changes.operation.kind, new)
    return after


def _changed(known: KnownOrder, change: OrderChange, kind: OperationKind, new: tuple[UUID, ...]) -> KnownOrder:
    moved = replace(known, state=change.state, changes=change.number)
    if kind in ("return", "order_cancel"):
        return replace(moved, graces=(*known.graces, *new))
    return replace(moved, own=(*known.own, *new))


def _known(facts: Facts, changes: Changes, row: OrderRow) -> KnownOrder:
    """Return an order that is just being placed, or confirmed, as a return sees it."""
    entries = changes.entries
    own = tuple(lot.id for lot in entries.lots) if entries else ()
    reserved = facts.reservation.hold if row.reservation_id is not None and facts.reservation is not None else None
    uses = reserved.hold.uses if reserved is not None else entries.uses if entries and row.payment else ()
    return KnownOrder(
        id=row.id,
        earlier=Earlier(changes.operation.call.request_hash, answer="", operation_id=row.id),
        member_id=row.member_id,
        claimed_by=None,
        parked_for=row.parked_for,
        order=row.order,
        revision=changes.operation.revision,
        earned=row.earned,
        promoted=row.promoted,
        codes=row.codes,
        payment=row.payment,
        uses=tuple(use for use in uses if use.lot_id not in own),
        own=own,
    )


def _move_history(before: tuple[PastOrder, ...], facts: Facts, changes: Changes) -> tuple[PastOrder, ...] | None:
    """Return the member's history after the changes; None when they do not touch it."""
    bought = _find_bought(facts, changes)
    if bought is None and changes.order_change is not None:
        return _shrink(before, facts, changes.order_change)
    more: tuple[PastOrder, ...] = () if bought is None else (bought,)
    if changes.operation.kind == "merge" and facts.other is not None:
        more = facts.other.history
    if not more:
        return None
    newest_first = sorted((*more, *before), key=lambda past: past.placed_at, reverse=True)
    return tuple(newest_first[:MOST_ORDERS])


def _shrink(before: tuple[PastOrder, ...], facts: Facts, change: OrderChange) -> tuple[PastOrder, ...]:
    """Replace an order in the history by what the customer has of it. Two that are alike need not be told apart."""
    known = next((known for known in facts.returned.values() if known.id == change.order_id), None)
    if known is None or known.order is None or known.state.is_gone:
        return before
    kept = keep(known.state.edited or known.order, known.state)
    spend = spend_of(known, known.state, kept)
    alike = (past for past in before if (past.placed_at, past.spend) == (kept.placed_at, spend))
    was = next((past for past in alike if past.lines in ((), kept.lines)), None)
    if was is None:
        return before
    now = replace(was, spend=change.spend, lines=change.lines if was.lines else ())
    place = before.index(was)
    return (*before[:place], *(() if change.state.is_gone else (now,)), *before[place + 1 :])


def _find_bought(facts: Facts, changes: Changes) -> PastOrder | None:
    """Return what the changes add to the member's history: an order that was placed, or one that was claimed."""
    if changes.order is not None:
        order, payment = changes.order.order, changes.order.payment
        return PastOrder(order.placed_at, max(order.goods_total - (payment.amount if payment else 0), 0), order.lines)
    if changes.claimed_order_id is None or facts.order is None or facts.order.order is None:
        return None
    order, change = facts.order.order, changes.order_change
    if change is not None:
        return PastOrder(order.placed_at, change.spend, change.lines)
    return PastOrder(order.placed_at, order.goods_total, order.lines)


def _take(used: Mapping[str, int], takes: Sequence[Take]) -> dict[str, int]:
    after = dict(used)
    for take in takes:
        after[take.counter] = after.get(take.counter, 0) + take.amount
    return after
