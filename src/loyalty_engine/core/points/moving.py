"""Points that change hands: they leave one member's lots over ``transit`` and arrive in lots of the other.

A moved lot keeps its age, expiry, funder and cost: sending points to oneself gains nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.lots import Lot, LotUse, plan_spending
from loyalty_engine.core.points.postings import Account


@dataclass(frozen=True, slots=True)
class Parcel:
    """``amount`` points that left ``lot`` of the sender."""

    lot: Lot
    amount: int


def send(book: Book, wallet: str, points: int) -> tuple[Parcel, ...]:
    """Take ``points`` > 0 out of what is available, nearest expiry first; the caller has checked the balance."""
    uses = plan_spending(book.lots(wallet), points, book.now)
    parcels = tuple(Parcel(book.lot(use.lot_id), use.amount) for use in uses)
    book.take(uses)
    book.post(wallet, "available", "transit", points, lot_id=uses[0].lot_id if len(uses) == 1 else None)
    return parcels


def send_lots(book: Book, lots: Sequence[Lot]) -> tuple[Parcel, ...]:
    """Take everything that is left in ``lots``, pending or not."""
    parcels = tuple(Parcel(lot, lot.remaining) for lot in lots if lot.remaining)
    for parcel in parcels:
        source: Account = "pending" if parcel.lot.is_pending(book.now) else "available"
        book.use(LotUse(parcel.lot.id, parcel.amount))
        book.post(parcel.lot.wallet, source, "transit", parcel.amount, lot_id=parcel.lot.id)
    return parcels


def receive(book: Book, parcels: Sequence[Parcel], sender: Book) -> None:
    """Credit parcels; a debt is paid first, as by any other earning. Expiry that slides is the later one of both."""
    for parcel in parcels:
        lot = parcel.lot
        terms = LotTerms(lot.funder, lot.cost_micros, lot.earned_at, lot.available_at, lot.expires_at)
        _join_slides(book, lot.wallet, sender)
        book.earn(lot.wallet, parcel.amount, terms, source="transit")


def _join_slides(book: Book, wallet: str, sender: Book) -> None:
    """Let points that can be spent last as long as those of whoever had more activity; a date that has passed says
    nothing about points that come now.
    """
    both = [book.balance(wallet).expires_at, sender.balance(wallet).expires_at]
    book.slide(wallet, max((at for at in both if at is not None and at > book.now), default=None))
