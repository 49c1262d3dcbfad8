"""Setting points aside, and ending that: what is captured is spent, the rest goes back to the lots it came from."""

from collections.abc import Iterable
from datetime import datetime

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.holds import Hold, HoldEnd
from loyalty_engine.core.points.lots import LotUse


def hold(book: Book, wallet: str, points: int, expires_at: datetime) -> Hold:
    """Set ``points`` > 0 aside; the caller has checked the balance. Nearest expiry leaves its lot first."""
    uses = book.spend(wallet, points, destination="held")
    held = Hold(book.operation_id, wallet, points, expires_at, uses)
    book.add_hold(held)
    return held


def release(book: Book, held: Hold, *, captured: int, at: datetime) -> None:
    """End a hold: ``captured`` of its points are spent, those of the nearest expiry, the others go back.

    A hold is no way to make points last longer: what expired by ``at`` while it was held expires when it comes back.
    """
    book.end_hold(HoldEnd(held.id, captured))
    if captured:
        book.post(held.wallet, "held", "redeemed", captured)
    back = _after_first(held.uses, captured)
    if not back:
        return
    for use in back:
        book.use(LotUse(use.lot_id, -use.amount))
    book.post(held.wallet, "held", "available", sum(use.amount for use in back))
    book.pay_debt(held.wallet, [use.lot_id for use in back])
    for use in back:
        if book.is_expired(book.lot(use.lot_id), at):
            book.expire(use.lot_id)


def _after_first(uses: Iterable[LotUse], taken: int) -> list[LotUse]:
    """Return what ``uses`` leave when the first ``taken`` points of them are gone."""
    left = []
    for use in uses:
        kept = max(use.amount - taken, 0)
        taken = max(taken - use.amount, 0)
        if kept:
            left.append(LotUse(use.lot_id, kept))
    return left
