"""Folding: several decisions over one gather become one write with one fate.

:func:`apply` gives the facts as a fresh gather would show them after the changes; :func:`fold` joins the changes of
one member so that its guard, balances and lots are written once. Queued requests, batches and the model test all use
these two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.decision import Changes, MemberWrite
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot


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
    """Return ``facts`` with the member as it stands after ``changes``, for the next request of the same member."""
    if changes.member is None:
        return facts
    return replace(facts, member=changes.member.after)


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


def _join_guards(parts: Sequence[Changes]) -> MemberWrite | None:
    guards = [part.member for part in parts if part.member is not None]
    if not guards:
        return None
    assert len({write.after.id for write in guards}) == 1, "one write is about one member"
    return MemberWrite(guards[0].expected_version, guards[-1].after)
