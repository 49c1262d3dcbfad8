"""Reversals: the exact opposite of a final operation, once, and with a reason.

Points go back into the very lots they left; points that were given are taken from the lots in which they were given
first, and what is not there any more is owed. Orders and redemptions are cancelled, holds end: each in its own room.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from loyalty_engine.core.earning.leases import find_leases
from loyalty_engine.core.engine.accounts import close_book, grace_until, guard, lot_terms, open_book, welcome
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, KnownOperation, MemberState
from loyalty_engine.core.engine.keeping import Taken
from loyalty_engine.core.engine.point_answers import show_reversal
from loyalty_engine.core.engine.requests import ReverseOperation
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.clawback import Clawback, Share, take_back
from loyalty_engine.core.points.lots import LotUse
from loyalty_engine.core.points.postings import MEMBER_ACCOUNTS, MemberAccount, ProgramAccount

_OF_ONE: Final[Mapping[str, ProgramAccount]] = {"adjustment": "adjusted", "activity": "issued", "opening": "opening"}
"""Kinds of one member, by the program's account that they moved points from and to."""

_OF_TWO: Final = ("transfer", "merge")


def decide_reversal(ruleset: Ruleset, facts: Facts, request: ReverseOperation, now: datetime) -> Decision:
    """Reverse an adjustment, an activity, points taken over, a transfer or a merge."""
    known = _require_reversible(facts, request)
    member = facts.member
    assert member is not None
    operation = Operation.asked(
        "reversal",
        request.call,
        now,
        ruleset.revision,
        member_id=member.id,
        reverses=known.id,
        other_member_id=facts.other.id if known.kind in _OF_TWO and facts.other else None,
    )
    book = open_book(member, operation.id, now)
    if known.kind in _OF_ONE:
        taken = _reverse_own(ruleset, book, known)
        entries, after = close_book(member, book)
        answer = show_reversal(operation, known, taken=taken, reason=request.reason, after=after)
        return Accepted(Changes(operation, answer, show_facts(member), member=guard(member, after), entries=entries))
    other = facts.other
    assert other is not None
    if other.id == member.id:  # one of them stands for the other by now: there is nobody to give back to
        shown = show_id("op", known.id)
        refuse(RefusalCode.OPERATION_NOT_REVERSIBLE, "", operation_id=shown, kind=known.kind)
    theirs = open_book(other, operation.id, now, is_second=True)
    if known.kind == "transfer":
        taken = _reverse_transfer(ruleset, known, sender=book, recipient=theirs)
        entries, after = close_book(member, book)
        their_entries, they_after = close_book(other, theirs)
    else:
        taken = _reverse_merge(ruleset, known, target=book, absorbed=theirs)
        entries, after = close_book(member, book, _without(member, known))
        their_entries, they_after = close_book(other, theirs, _alone(member, known))
    answer = show_reversal(operation, known, taken=taken, reason=request.reason, after=after, other=they_after)
    return Accepted(
        Changes(
            operation=operation,
            answer=answer,
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
            other=guard(other, they_after),
            other_entries=their_entries,
        )
    )


def _require_reversible(facts: Facts, request: ReverseOperation) -> KnownOperation:
    known, shown = facts.reversed, show_id("op", request.operation_id)
    if known is None:
        refuse(RefusalCode.OPERATION_NOT_FOUND, "", operation_id=shown)
    if known.kind not in (*_OF_ONE, *_OF_TWO):
        refuse(RefusalCode.OPERATION_NOT_REVERSIBLE, "", operation_id=shown, kind=known.kind)
    if known.reversed_by is not None:
        reversed_by = show_id("op", known.reversed_by)
        refuse(RefusalCode.OPERATION_ALREADY_REVERSED, "", operation_id=shown, reversed_by=reversed_by)
    member, other = facts.member, facts.other
    if member is not None and _is_overtaken(known, member, other):
        merged_into = show_id("mem", member.id)
        refuse(RefusalCode.OPERATION_NOT_REVERSIBLE, "", operation_id=shown, kind=known.kind, merged_into=merged_into)
    return known


def _is_overtaken(known: KnownOperation, member: MemberState, other: MemberState | None) -> bool:
    """Tell whether a later merge must be reversed first: it carried on what this one moved, or made one of both."""
    if known.kind == "merge":
        return member.id != known.member_id
    return other is not None and other.id == member.id


def _reverse_own(ruleset: Ruleset, book: Book, known: KnownOperation) -> tuple[Taken, ...]:
    """Reverse what an operation moved between its member and the program."""
    account = _OF_ONE[known.kind]
    taken = [
        _take(ruleset, book, Clawback(wallet, [Share(known.own, points)]), account)
        for wallet, points in sorted(_sums(known, source=account).items())
    ]
    for wallet, owed in sorted(_sums(known, source="debt", destination=account).items()):
        _forgive(ruleset, book, wallet, owed, source=account)
    for wallet, uses in _given(book, known).items():
        book.restore(wallet, uses, source=account, grace_until=grace_until(ruleset, book.now))
    return tuple(taken)


def _reverse_transfer(ruleset: Ruleset, known: KnownOperation, *, sender: Book, recipient: Book) -> tuple[Taken, ...]:
    taken: list[Taken] = []
    for wallet, uses in _given(sender, known).items():
        claw = Clawback(wallet, [Share(known.own, sum(use.amount for use in uses))])
        taken.append(_take(ruleset, recipient, claw, "transit"))
        sender.restore(wallet, uses, source="transit", grace_until=grace_until(ruleset, sender.now))
    return tuple(taken)


def _reverse_merge(ruleset: Ruleset, known: KnownOperation, *, target: Book, absorbed: Book) -> tuple[Taken, ...]:
    """Give the absorbed member back what it had; the other one owes what it has spent of that.

    Where expiry slides, what the other one did since then has kept the absorbed member's points alive.
    """
    debts = _sums(known, source="transit", destination="debt")
    for wallet, debt in sorted(debts.items()):
        _forgive(ruleset, target, wallet, debt, source="transit")
        absorbed.owe(wallet, debt, destination="transit")
    moved = _given(absorbed, known)
    taken: list[Taken] = []
    for wallet, uses in moved.items():
        claw = Clawback(wallet, [Share(known.own, sum(use.amount for use in uses))])
        taken.append(_take(ruleset, target, claw, "transit"))
        slides_to = target.balance(wallet).expires_at
        if slides_to is not None and slides_to > target.now:
            absorbed.slide(wallet, max(slides_to, absorbed.balance(wallet).expires_at or slides_to))
        for use in uses:
            _put_back(absorbed, use)
    for wallet in sorted({*debts, *moved}):
        absorbed.pay_debt(wallet)
    return tuple(taken)


def _given(book: Book, known: KnownOperation) -> dict[str, list[LotUse]]:
    """Return what the operation took out of lots of the book's member that were there before, by wallet.

    Where a merge brought a debt, lots of the other member paid it: that is undone with the debt.
    """
    given: dict[str, list[LotUse]] = {}
    for use in known.uses:
        if use.lot_id not in known.own and use.amount > 0 and book.knows(use.lot_id):
            given.setdefault(book.terms_of(use.lot_id).wallet, []).append(use)
    return dict(sorted(given.items()))


def _put_back(book: Book, use: LotUse) -> None:
    """Put points back into the lot that a merge emptied; what has become too old meanwhile expires."""
    book.use(LotUse(use.lot_id, -use.amount))
    lot = book.lot(use.lot_id)
    account: MemberAccount = "pending" if lot.is_pending(book.now) else "available"
    book.post(lot.wallet, "transit", account, use.amount, lot_id=lot.id)
    if book.is_expired(lot, book.now):
        book.expire(lot.id, source=account)


def _take(ruleset: Ruleset, book: Book, claw: Clawback, destination: ProgramAccount) -> Taken:
    """Take points back; what is missing is owed, or the reversal refused: an exact opposite forgives nothing."""
    missing = take_back(book, claw, destination=destination).missing
    if missing and ruleset.returns.clawback == "refuse":
        covered = claw.amount - missing
        refuse(RefusalCode.INSUFFICIENT_POINTS, "", wallet=claw.wallet, needed=claw.amount, available=covered)
    if missing:
        book.owe(claw.wallet, missing, destination=destination)
    return Taken(claw.wallet, claw.amount, owed=missing)


def _forgive(ruleset: Ruleset, book: Book, wallet: str, owed: int, *, source: ProgramAccount) -> None:
    """Take back a debt; what was paid of it by now comes back as points."""
    debt = min(book.balance(wallet).debt, owed)
    if debt:
        book.post(wallet, source, "debt", debt)
    if owed > debt:
        terms = lot_terms(ruleset.wallets[wallet], book.now)._replace(available_at=book.now)
        welcome(ruleset, book, book.earn(wallet, owed - debt, terms, source=source))


def _sums(known: KnownOperation, *, source: str, destination: str | None = None) -> dict[str, int]:
    """Return how much the operation moved from one account to another, by wallet; None: to any of a member's."""
    sums: dict[str, int] = {}
    for posting in known.postings:
        reached = destination or posting.destination
        if posting.source == source and posting.destination == reached and (destination or reached in MEMBER_ACCOUNTS):
            sums[posting.wallet] = sums.get(posting.wallet, 0) + posting.amount
    return sums


def _without(member: MemberState, known: KnownOperation) -> Mapping[str, Any]:
    """Return the target's counts without those of the absorbed member."""
    theirs = _counters_of_absorbed(member, known)
    counters = {name: max(used - theirs.get(name, 0), 0) for name, used in member.counters.items()}
    return {"orders": member.orders - known.orders, "spend": member.spend - known.spend, "counters": counters}


def _alone(member: MemberState, known: KnownOperation) -> Mapping[str, Any]:
    """Return what an absorbed member is again."""
    return {
        "status": "active",
        "merged_into": None,
        "orders": known.orders,
        "spend": known.spend,
        "counters": _counters_of_absorbed(member, known),
    }


def _counters_of_absorbed(member: MemberState, known: KnownOperation) -> dict[str, int]:
    """Return the counters that the absorbed member had; without what reservations leased that ended since."""
    counters: dict[str, int] = dict(known.detail["absorbed"]["counters"])
    for lease in find_leases(counters):
        if lease not in member.counters:
            del counters[lease]
    return counters
