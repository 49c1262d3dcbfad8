"""Points that waited to be confirmed become spendable, some or all of them."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from loyalty_engine.core.points.book import Book, LotTerms
from loyalty_engine.core.points.lots import LotUse, take_in_order


def activate(book: Book, lots: Iterable[UUID], wallet: str, points: int) -> int:
    """Make ``points`` of lots that wait in ``wallet`` spendable now; return how many there were, at most that many.

    A lot of which some points stay pending is split: the others go into a new lot of the same age and expiry.
    """
    found = [book.lot(lot_id) for lot_id in book.find_lots(wallet, lots)]
    waiting = [lot for lot in found if lot.is_pending(book.now)]
    uses, missing = take_in_order(waiting, points)
    for use in uses:
        lot = book.lot(use.lot_id)
        if use.amount == lot.remaining:
            active = book.put_lot(replace(lot, available_at=book.now))
        else:
            book.use(LotUse(lot.id, use.amount))
            terms = LotTerms(lot.funder, lot.cost_micros, lot.earned_at, book.now, lot.expires_at)
            active = book.add_lot(wallet, use.amount, terms)
        book.post(wallet, "pending", "available", use.amount, lot_id=active.id)
        book.pay_debt(wallet, (active.id,))
    return points - missing
