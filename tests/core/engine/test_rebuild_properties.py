"""Rebuilding is the same as living: what history says of a member is what is kept of it, whatever happened."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.rebuild import (
    Act,
    Birth,
    Figures,
    History,
    Movement,
    Purchase,
    balance_figures,
    compare,
    lot_figures,
    member_figure,
    rebuild,
    was_merged,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.lives import LIFE, MEMBERS, RULES, Life, Step, new_member
from tests.core.store import Store


@settings(deadline=None)
@given(RULES, LIFE)
def test_a_rebuilt_member_is_the_one_that_lived(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    store = Life(ruleset).live(steps).store

    for member_id in MEMBERS:
        history = _history(store, member_id)
        assert compare(_kept(store, store.members[member_id], history), rebuild(history)) == []


def _kept(store: Store, member: MemberState, history: History) -> Figures:
    names = ["version", "seq", "booked_at", "status", "merged_into", "orders", "spend"]
    names += [] if was_merged(history.acts) else ["first_order_at", "last_order_at"]
    figures = {member_figure(name): getattr(member, name) for name in names}
    for wallet, balance in member.balances.items():
        figures |= balance_figures(wallet, balance)
    for lot in store.lots.values():
        if lot.member_id == member.id:
            figures |= lot_figures(lot.id, remaining=lot.remaining, expired=lot.expired)
    return figures


def _history(store: Store, member_id: UUID) -> History:
    """What was added about a member; what it had from the start came by an adjustment."""
    start = new_member(member_id)
    acts = [Act(UUID(int=0), "adjustment", start.booked_at)]
    movements = [Movement(0, lot.wallet, "adjusted", "available", lot.amount, lot.id) for lot in start.lots]
    births = [Birth(lot.id, lot.amount) for lot in start.lots]
    for changes in store.operations.values():
        operation = changes.operation
        if member_id in (operation.member_id, operation.other_member_id):
            acts.append(_act(store, changes, member_id))
        for guard, entries in ((changes.member, changes.entries), (changes.other, changes.other_entries)):
            if guard is not None and entries is not None and guard.after.id == member_id:
                births += [Birth(lot.id, lot.amount) for lot in entries.lots]
                movements += [
                    Movement(p.seq, p.wallet, p.source, p.destination, p.amount, p.lot_id) for p in entries.postings
                ]
    own = {lot.id for lot in store.lots.values() if lot.member_id == member_id}
    uses = [use for found in store.uses.values() for use in found if use.lot_id in own]
    return History(acts, movements, births, uses, _purchases(store, member_id))


def _act(store: Store, changes: Changes, member_id: UUID) -> Act:
    operation = changes.operation
    undone = store.operations.get(operation.reverses) if operation.reverses else None
    return Act(
        operation.id,
        operation.kind,
        operation.booked_at,
        is_second=operation.other_member_id == member_id,
        partner=operation.member_id,
        undoes=undone.operation.kind if undone else None,
    )


def _purchases(store: Store, member_id: UUID) -> list[Purchase]:
    stands_for = {member.id: member.merged_into for member in store.members.values()}
    found = []
    for kept in store.orders.values():
        owner = kept.claimed_by or kept.row.member_id
        while owner is not None and stands_for.get(owner) is not None:
            owner = stands_for[owner]
        if owner == member_id:
            found.append(Purchase(kept.row.order.placed_at, kept.spend, kept.state.is_gone))
    return found
