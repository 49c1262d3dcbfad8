"""Points that waited to be confirmed become spendable, some or all of them, or wait again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.lots import Lot, LotUse, take_in_order


def activate(book: Book, lots: Iterable[UUID], wallet: str, points: int, *, since: datetime) -> int:
    """Make ``points`` of lots that wait in ``wallet`` spendable, ``since`` now or just before.

    Return how many there were, at most that many. A lot of which some points stay pending is split: the others go into a new lot of the same age and expiry.
    """
    found = [book.lot(lot_id) for lot_id in book.find_lots(wallet, lots)]
    waiting = [lot for lot in found if lot.is_pending(book.now)]
    uses, missing = take_in_order(waiting, points)
    for use in uses:
        active = _part(book, use, available_at=since)
        book.post(wallet, "pending", "available", use.amount, lot_id=active.id)
        book.pay_debt(wallet, (active.id,))
    return points - missing


def deactivate(book: Book, lots: Iterable[UUID], wallet: str, points: int) -> None:
    """Let up to ``points`` that became spendable in lots of ``wallet`` wait to be confirmed again, if they are still there."""
    found = [book.lot(lot_id) for lot_id in book.find_lots(wallet, lots)]
    uses, _ = take_in_order([lot for lot in found if not lot.is_pending(book.now)], max(points, 0))
    for use in uses:
        waiting = _part(book, use, available_at=None)
        book.post(wallet, "available", "pending", use.amount, lot_id=waiting.id)


def _part(book: Book, use: LotUse, *, available_at: datetime | None) -> Lot:
    """Return the lot with the used part of another, which can be spent at another time; or all of it, changed."""
    lot = book.lot(use.lot_id)
    if use.amount == lot.remaining:
        return book.put_lot(replace(lot, available_at=available_at))
    book.use(LotUse(lot.id, use.amount))
    terms = LotTerms(lot.funder, lot.cost_micros, lot.earned_at, available_at, lot.expires_at)
    return book.add_lot(lot.wallet, use.amount, terms)
