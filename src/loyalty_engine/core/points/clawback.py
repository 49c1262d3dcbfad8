"""Taking points back that should not have been given, or not so many, and giving back what was taken too much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.lots import LotUse, spending_order
from loyalty_engine.core.points.postings import MemberAccount, ProgramAccount

Slice = tuple[UUID, int]
"""A lot and how many of its points may be taken at most."""


@dataclass(frozen=True, slots=True)
class Share:
    """``amount`` points that were given in ``lots``; ``active`` of them had waited and can be spent by now.

    ``lent`` were taken from its lots before because those of other shares had none left; ``lacked`` were not there when it
    was to be taken itself.
    """

    lots: Sequence[UUID]
    amount: int
    active: int = 0
    lent: int = 0
    lacked: int = 0


@dataclass(frozen=True, slots=True)
class Clawback:
    """How much is to be taken back out of one wallet, and from where first.

    Each of the ``shares`` is taken from its own lots as long as there is something left of them: what became spendable
    from what can be spent, then what is pending, then the rest. What one share lacks is taken from the lots of the others
    before those of anybody else, what is pending first, so that it does not matter whether it was confirmed before or
    will be. ``restored`` maps lots to the points of them that the same order had paid with and that came back; they are
    taken last, in this order, so that it never matters in how many steps an order comes back.
    """

    wallet: str
    shares: Sequence[Share]
    restored: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        """All that is to be taken."""
        return sum(share.amount for share in self.shares)


@dataclass(frozen=True, slots=True)
class Haul:
    """What was taken back, by lot, and how much was ``missing``."""

    lots: Mapping[UUID, int]
    missing: int


def take_back(book: Book, claw: Clawback, *, destination: ProgramAccount) -> Haul:
    """Take back as much as the member has.

    What expired of the very points that are taken back is taken, too: it is booked back first, so nobody owes points
    that were never spent.
    """
    hand = _Hand(book, claw.wallet, destination)
    missing = sum(_take_share(hand, share) for share in claw.shares)
    own = book.find_lots(claw.wallet, [lot_id for share in claw.shares for lot_id in share.lots])
    for share in claw.shares:
        lots = book.find_lots(claw.wallet, share.lots)
        missing -= hand.take(hand.pending(lots), missing, source="pending")
        missing -= hand.take(hand.spendable(lots), missing)
    missing -= hand.take_expired(own, missing)
    others = sorted((lot for lot in book.lots(claw.wallet) if lot.id not in own), key=spending_order)
    rest = [(lot.id, max(lot.remaining - claw.restored.get(lot.id, 0), 0)) for lot in others]
    missing -= hand.take([part for part in rest if not book.lot(part[0]).is_pending(book.now)], missing)
    missing -= hand.take(hand.spendable(claw.restored), missing)
    return Haul(hand.taken, missing)


def give_again(book: Book, claw: Clawback, taken: Mapping[UUID, int], owed: int) -> dict[UUID, int]:
    """Give points again that were ``taken`` back before, or ``owed``: what was taken last comes first.

    ``claw`` tells how many, and where they would be taken. Return what came back, by lot; points that no lot has room for
    come in a new one like those that they were given in.
    """
    given: dict[UUID, int] = {}
    shares = [(book.find_lots(claw.wallet, share.lots), share) for share in claw.shares]
    own = [lot_id for lots, share in shares for lot_id in lots if share.amount]
    mentioned = {*claw.restored, *(lot_id for lots, _ in shares for lot_id in lots)}
    others = sorted((lot for lot in book.lots(claw.wallet) if lot.id not in mentioned), key=spending_order)
    left, rest = claw.amount, []
    for lots, share in shares:
        paid = _refill(book, lots, min(owed, share.lacked, share.amount), {})
        left, owed = left - paid, owed - paid
        rest.append(share.amount - paid)
    left -= _refill(book, own, min(owed, left), {})
    for lot_id in reversed([*(lot.id for lot in others), *claw.restored]):
        left -= _refill(book, [lot_id], min(left, taken.get(lot_id, 0)), given)
    for lots, share in reversed(shares):
        left -= _refill(book, lots[::-1], min(left, 0 if share.amount else share.lent), given)
    for (lots, _), more in zip(shares, rest, strict=True):
        here = more
        for lot_id in lots:
            back = _refill(book, [lot_id], min(left, here, taken.get(lot_id, 0) - given.get(lot_id, 0)), given)
            left, here = left - back, here - back
    left -= _refill(book, own, left, given)
    if left:
        origin = book.terms_of(next(share.lots[0] for share in claw.shares if share.amount))
        terms = LotTerms(origin.funder, origin.cost_micros, origin.earned_at, origin.available_at, origin.expires_at)
        book.earn(claw.wallet, left, terms)
    return given


def _refill(book: Book, lots: Iterable[UUID], points: int, given: dict[UUID, int]) -> int:
    """Put up to ``points`` into lots that have room; return how many that were."""
    left = points
    for lot in [book.lot(lot_id) for lot_id in lots]:
        back = min(lot.amount - lot.remaining - lot.expired, left)
        if back > 0:
            account: MemberAccount = "pending" if lot.is_pending(book.now) else "available"
            book.use(LotUse(lot.id, -back))
            book.post(lot.wallet, "issued", account, back, lot_id=lot.id)
            given[lot.id] = given.get(lot.id, 0) + back
            left -= back
            if account == "available":
                book.pay_debt(lot.wallet, (lot.id,))
            if book.is_expired(lot, book.now):
                book.expire(lot.id, source=account)
    return points - left


def _take_share(hand: "_Hand", share: Share) -> int:
    """Take a share out of its own lots; return what they could not cover."""
    own = hand.book.find_lots(hand.wallet, share.lots)
    missing = share.amount - hand.take(hand.spendable(own), min(share.active, share.amount))
    missing -= hand.take(hand.pending(own), missing, source="pending")
    missing -= hand.take(hand.spendable(own), missing)
    return missing - hand.take_expired(own, missing)


@dataclass(frozen=True, slots=True)
class _Hand:
    """Takes points out of one wallet of a book."""

    book: Book
    wallet: str
    destination: ProgramAccount
    taken: dict[UUID, int] = field(default_factory=dict)

    def spendable(self, lots: Iterable[UUID]) -> list[Slice]:
        """Return what can be spent of lots."""
        found = [self.book.lot(lot_id) for lot_id in lots]
        return [(lot.id, lot.remaining) for lot in found if not lot.is_pending(self.book.now)]

    def pending(self, lots: Iterable[UUID]) -> list[Slice]:
        """Return what of lots cannot be spent yet."""
        found = [self.book.lot(lot_id) for lot_id in lots]
        return [(lot.id, lot.remaining) for lot in found if lot.is_pending(self.book.now)]

    def take(self, slices: Iterable[Slice], amount: int, source: Literal["available", "pending"] = "available") -> int:
        """Take up to ``amount`` out of ``slices`` in their order; return how much that was."""
        uses: list[LotUse] = []
        left = amount
        for lot_id, most in slices:
            taken = min(most, self.book.lot(lot_id).remaining, left)
            if taken:
                uses.append(LotUse(lot_id, taken))
                self.taken[lot_id] = self.taken.get(lot_id, 0) + taken
                left -= taken
        if uses:
            self.book.take(uses)
            only = uses[0].lot_id if len(uses) == 1 else None
            self.book.post(self.wallet, source, self.destination, amount - left, lot_id=only)
        return amount - left

    def take_expired(self, lots: Iterable[UUID], amount: int) -> int:
        """Take up to ``amount`` of what expired in ``lots``; return how much that was."""
        left = amount
        for lot in [self.book.lot(lot_id) for lot_id in lots]:
            back = min(lot.expired, left)
            if back:
                self.book.put_lot(replace(lot, expired=lot.expired - back))
                self.book.use(LotUse(lot.id, -back))
                self.book.post(self.wallet, "expired", "available", back, lot_id=lot.id)
                left -= self.take([(lot.id, back)], back)
        return amount - left
