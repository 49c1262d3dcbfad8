"""Folding: several decisions over one gather become one write with one fate.

:func:`apply` gives the facts as a fresh gather would show them after the changes; :func:`fold` joins the changes of
one member so that its guard, balances and lots are written once. Queued requests, batches and the model test all use
these two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.decision import Changes, MemberWrite, Take
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.rules.history import MOST_ORDERS, PastOrder


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
    """What record writes all or nothing: one guard, net rows of balances and lots, and each operation's own rows.

    ``notes`` bind keys to outcomes that are not new operations; they rest on the same state and share its fate.
    """

    parts: tuple[Changes, ...]
    notes: tuple[Note, ...]
    member: MemberWrite | None
    balances: dict[str, Balance]
    lots: tuple[Lot, ...]
    lots_changed: dict[UUID, int]


def apply(facts: Facts, changes: Changes) -> Facts:
    """Return ``facts`` as they stand after ``changes``, for the next request of the same member.

    What was bought is the newest of its history, with lines even where history was read without.
    """
    activity = changes.activity
    return replace(
        facts,
        member=_move_member(facts, changes),
        counters=_take(facts.counters, changes.takes) if changes.takes else facts.counters,
        marked_by=activity.id if activity and activity.mark is not None else facts.marked_by,
    )


def fold(parts: Sequence[Changes], notes: Sequence[Note] = ()) -> Write:
    """Join changes that were decided one upon the other; the first must rest on what gather read."""
    balances: dict[str, Balance] = {}
    new: dict[UUID, Lot] = {}
    changed: dict[UUID, int] = {}
    for entries in (part.entries for part in parts if part.entries is not None):
        balances.update(entries.balances)
        new.update((lot.id, lot) for lot in entries.lots)
        for lot_id, remaining in entries.lots_changed.items():
            if lot_id in new:
                new[lot_id] = replace(new[lot_id], remaining=remaining)
            else:
                changed[lot_id] = remaining
    return Write(tuple(parts), tuple(notes), _join_guards(parts), balances, tuple(new.values()), changed)


def _move_member(facts: Facts, changes: Changes) -> MemberState | None:
    if changes.member is None:
        return facts.member
    after, bought = changes.member.after, _find_bought(facts, changes)
    if bought is None:
        return after
    before = facts.member.history if facts.member else ()
    newest_first = sorted((bought, *before), key=lambda past: past.placed_at, reverse=True)
    return replace(after, history=tuple(newest_first[:MOST_ORDERS]))


def _find_bought(facts: Facts, changes: Changes) -> PastOrder | None:
    """Return what the changes add to the member's history: an order that was placed, or one that was claimed."""
    order, paid_with_points = None, 0
    if changes.order is not None:
        order, paid_with_points = changes.order.order, changes.order.paid_with_points
    elif changes.claimed_order_id is not None and facts.order is not None:
        order = facts.order.order
    if order is None:
        return None
    return PastOrder(order.placed_at, max(order.goods_total - paid_with_points, 0), order.lines)


def _take(used: Mapping[str, int], takes: Sequence[Take]) -> dict[str, int]:
    after = dict(used)
    for take in takes:
        after[take.counter] = after.get(take.counter, 0) + take.amount
    return after


def _join_guards(parts: Sequence[Changes]) -> MemberWrite | None:
    guards = [part.member for part in parts if part.member is not None]
    if not guards:
        return None
    assert len({write.after.id for write in guards}) == 1, "one write is about one member"
    return MemberWrite(guards[0].expected_version, guards[-1].after)
