"""Taking points back that should not have been given, or not so many, and giving back what was taken too much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.lots import LotUse, spending_order
from loyalty_engine.core.points.postings import ProgramAccount

Slice = tuple[UUID, int]
"""A lot and how many of its points may be taken at most."""


@dataclass(frozen=True, slots=True)
class Share:
    """``amount`` points that were given in ``lots``; ``active`` of them had waited and can be spent by now."""

    lots: Sequence[UUID]
    amount: int
    active: int = 0


@dataclass(frozen=True, slots=True)
class Clawback:
    """How much is to be taken back out of one wallet, and from where first.

    Each of the ``shares`` is taken from its own lots as long as there is something left of them: what became spendable
    from what can be spent, then what is pending, then the rest. ``restored`` maps lots to the points of them that the
    same order had paid with and that came back; they are taken last, in this order, so that it never matters in how many
    steps an order comes back.
    """

    wallet: str
    shares: Sequence[Share]
    restored: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        """All that is to be taken."""
        return sum(share.amount for share in self.shares)


def take_back(book: Book, claw: Clawback, *, destination: ProgramAccount) -> int:
    """Take back as much as the member has; return how many points are missing.

    What expired of the very points that are taken back is taken, too: it is booked back first, so nobody owes points
    that were never spent.
    """
    hand = _Hand(book, claw.wallet, destination)
    missing = sum(_take_share(hand, share) for share in claw.shares)
    own = book.find_lots(claw.wallet, [lot_id for share in claw.shares for lot_id in share.lots])
    missing -= hand.take(hand.spendable(own), missing)
    missing -= hand.take(hand.pending(own), missing, source="pending")
    missing -= hand.take_expired(own, missing)
    others = sorted((lot for lot in book.lots(claw.wallet) if lot.id not in own), key=spending_order)
    rest = [(lot.id, max(lot.remaining - claw.restored.get(lot.id, 0), 0)) for lot in others]
    missing -= hand.take([part for part in rest if not book.lot(part[0]).is_pending(book.now)], missing)
    return missing - hand.take(hand.spendable(claw.restored), missing)


def give_again(book: Book, wallet: str, lots: Sequence[UUID], points: int) -> int:
    """Give ``points`` again that were taken back before, in the lots that they were in; return how many had no room."""
    left = points
    for lot in [book.lot(lot_id) for lot_id in book.find_lots(wallet, lots)]:
        back = min(lot.amount - lot.remaining - lot.expired, left)
        if back:
            is_pending = lot.is_pending(book.now)
            book.use(LotUse(lot.id, -back))
            book.post(wallet, "issued", "pending" if is_pending else "available", back, lot_id=lot.id)
            left -= back
        if back and not is_pending:
            book.pay_debt(wallet, (lot.id,))
            if book.is_expired(lot, book.now):
                book.expire(lot.id)
    return left


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
