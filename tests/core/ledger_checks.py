"""What must be true of kept rows after every operation, whatever it was."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.accounts import open_book
from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.points.balances import EMPTY_BALANCE, Balance
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.points.passing import next_due
from loyalty_engine.core.points.postings import MEMBER_ACCOUNTS, Posting
from loyalty_engine.core.tiers.standings import next_end
from tests.core.rows import Rows


def check_ledger(store: Rows) -> None:
    """Check what holds for all members at any moment."""
    postings = _postings(store)
    _check_sums(store, postings)
    for member in store.members.values():
        _check_numbers(member, [posting for posting in postings if posting.member_id == member.id])
        _check_lots(member, [lot for lot in store.lots.values() if lot.member_id == member.id])
        _check_holds(store, member)
        _check_due(store, member)
    used: Counter[UUID] = Counter()
    for uses in store.uses.values():
        for use in uses:
            used[use.lot_id] += use.amount
    for lot in store.lots.values():
        if lot.operation_id in store.operations:
            assert lot.remaining == lot.amount - used[lot.id], lot
        assert 0 <= lot.remaining <= lot.amount, lot
        assert 0 <= lot.expired <= lot.amount - lot.remaining, lot


def check_fold(before: Rows, parts: Sequence[Changes], after: Rows) -> None:
    """Check that what is written at once is what single writes leave behind."""
    write = fold(parts)
    for guard in write.members:
        known = before.members.get(guard.after.id)
        assert guard.expected_version == (known.version if known else 0)
        kept = after.members[guard.after.id]
        assert (guard.after.version, guard.after.seq, guard.after.due_at) == (kept.version, kept.seq, kept.due_at)
        assert guard.after.balances == kept.balances
        moved = {tier_set: held for (of, tier_set), held in write.tiers.items() if of == guard.after.id}
        assert kept.tiers == {**(known.tiers if known else {}), **moved}
    assert len({guard.after.id for guard in write.members}) == len(write.members)
    for (member_id, wallet), balance in write.balances.items():
        assert after.members[member_id].balances[wallet] == balance
    assert {lot.id for lot in write.lots} == after.lots.keys() - before.lots.keys()
    assert all(after.lots[lot.id] == lot for lot in write.lots)
    changed = {lot_id for lot_id, lot in before.lots.items() if after.lots[lot_id] != lot}
    assert changed <= write.lots_changed.keys() <= before.lots.keys()
    assert all(after.lots[lot_id] == lot for lot_id, lot in write.lots_changed.items())


def _postings(store: Rows) -> list[Posting]:
    found: list[Posting] = []
    for changes in store.operations.values():
        for guard, entries in ((changes.member, changes.entries), (changes.other, changes.other_entries)):
            if entries is not None:
                assert guard is not None
                assert all(posting.member_id == guard.after.id for posting in entries.postings)
                assert all(posting.operation_id == changes.operation.id for posting in entries.postings)
                found += entries.postings
    return found


def _check_sums(store: Rows, postings: Sequence[Posting]) -> None:
    """Nothing is on the way when an operation is over, and members have what their postings say."""
    assert len({posting.id for posting in postings}) == len(postings)
    sums: Counter[tuple[UUID, str, str]] = Counter()
    for posting in postings:
        assert posting.amount > 0
        assert posting.source != posting.destination
        sums[posting.member_id, posting.wallet, posting.source] -= posting.amount
        sums[posting.member_id, posting.wallet, posting.destination] += posting.amount
    for member in store.members.values():
        for wallet, balance in member.balances.items():
            of = {account: sums[member.id, wallet, account] for account in MEMBER_ACCOUNTS}
            first = store.first_balances.get((member.id, wallet), EMPTY_BALANCE)
            assert balance.available == first.available + of["available"]
            assert balance.pending == first.pending + of["pending"]
            assert balance.held == first.held + of["held"]
            assert balance.debt == first.debt - of["debt"]
    transit: Counter[str] = Counter()
    for (_, wallet, account), amount in sums.items():
        transit[wallet] += amount if account == "transit" else 0
    assert not any(transit.values())


def _check_numbers(member: MemberState, postings: Sequence[Posting]) -> None:
    """Postings continue each other without gaps."""
    numbers = [posting.seq for posting in postings]
    assert numbers == list(range(member.seq - len(numbers) + 1, member.seq + 1))
    last: dict[str, Balance] = {}
    for posting in postings:
        if posting.wallet in last:
            before = last[posting.wallet]
            moved = before.add(posting.source, -posting.amount).add(posting.destination, posting.amount)
            assert _amounts(posting.after) == _amounts(moved)
        last[posting.wallet] = posting.after
    assert all(_amounts(member.balances[wallet]) == _amounts(balance) for wallet, balance in last.items())


def _check_lots(member: MemberState, lots: Sequence[Lot]) -> None:
    """Balances are what lots hold as of the member's last operation, and no lot keeps what is too old."""
    at = member.booked_at
    for wallet in {*member.balances, *(lot.wallet for lot in lots)}:
        balance = member.balances.get(wallet, EMPTY_BALANCE)
        of_wallet = [lot for lot in lots if lot.wallet == wallet]
        pending = sum(lot.remaining for lot in of_wallet if lot.is_pending(at))
        available = sum(lot.remaining for lot in of_wallet if not lot.is_pending(at))
        assert (balance.available, balance.pending) == (available, pending), (wallet, balance, of_wallet)
        assert min(balance.available, balance.debt) == 0
        assert min(_amounts(balance)) >= 0
        assert not [lot for lot in of_wallet if lot.remaining and _is_too_old(lot, balance.expires_at, at)]


def _is_too_old(lot: Lot, slides_to: datetime | None, at: datetime) -> bool:
    if lot.expires_at is not None:
        return lot.expires_at <= at
    return slides_to is not None and slides_to <= at and not lot.is_pending(at)


def _check_holds(store: Rows, member: MemberState) -> None:
    """What is held is held by open holds, whose lots have room for it."""
    held: Counter[str] = Counter()
    for known in store.holds.values():
        if known.ended_by is None and known.member_id == member.id:
            assert sum(use.amount for use in known.hold.uses) == known.hold.points
            held[known.hold.wallet] += known.hold.points
            assert known.hold.expires_at > member.booked_at
        assert 0 <= known.captured <= known.hold.points
    assert all(balance.held == held[wallet] for wallet, balance in member.balances.items())


def _check_due(store: Rows, member: MemberState) -> None:
    """A member is never found due too late."""
    if member.status == "merged":
        assert member.due_at is None
        return
    lots = tuple(lot for lot in store.lots.values() if lot.member_id == member.id)
    holds = [known.hold for known in store.holds.values() if known.ended_by is None and known.member_id == member.id]
    due_at = next_due(open_book(replace(member, lots=lots), member.id, member.booked_at), holds)
    for at in (due_at, next_end(member.tiers)):
        assert at is None or (member.due_at is not None and member.due_at <= at)


def _amounts(balance: Balance) -> tuple[int, int, int, int]:
    return balance.available, balance.pending, balance.held, balance.debt
