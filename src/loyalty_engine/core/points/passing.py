"""What time does to points: those that waited can be spent, old ones expire, holds run out.

Spendable never depends on a job: whoever touches a member first books what became due since its last operation.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.holding import release
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import Lot

Slide = Callable[[datetime], datetime]
"""From the moment of an activity to when a wallet's points expire without another one."""

_EXPIRY: Final = 0
_ACTIVATION: Final = 1
_RELEASE: Final = 2


def pass_time(book: Book, holds: Iterable[Hold], slides: Mapping[str, Slide], since: datetime) -> datetime | None:
    """Book everything that became due after ``since``, up to and with the book's ``now``, in the order in which it did.

    At one and the same instant points expire before others can be spent, and holds run out last. ``slides`` has the
    wallets whose expiry slides: points that become spendable there are an activity. Returns when the last of it became
    due; None: nothing did.
    """
    agenda = _Agenda(book, slides)
    for lot in book.lots():
        if lot.available_at is not None and lot.available_at > since:
            agenda.enter(lot.available_at, _ACTIVATION, str(lot.id), agenda.activation(lot))
        if lot.expires_at is not None and lot.expires_at > since:
            agenda.enter(lot.expires_at, _EXPIRY, str(lot.id), agenda.expiry(lot))
    for wallet in {lot.wallet for lot in book.lots()}:
        agenda.enter_slid(wallet)
    for hold in holds:
        agenda.enter(hold.expires_at, _RELEASE, str(hold.id), agenda.release(hold))
    return agenda.run()


def next_due(book: Book, holds: Iterable[Hold]) -> datetime | None:
    """Return when time next does something to the member's points; the book must know all open lots and holds."""
    moments = [lot.next_due(book.now) for lot in book.lots() if lot.remaining]
    moments += [hold.expires_at for hold in holds]
    moments += [book.balance(wallet).expires_at for wallet in {lot.wallet for lot in book.lots() if lot.remaining}]
    return min((at for at in moments if at is not None and at > book.now), default=None)


_Happen = Callable[[datetime], None]


class _Agenda:
    """What is due, soonest first; what happens may enter more."""

    def __init__(self, book: Book, slides: Mapping[str, Slide]) -> None:
        self._book = book
        self._slides = slides
        self._due: list[tuple[datetime, int, str, int, _Happen]] = []
        self._entered = 0

    def enter(self, at: datetime, kind: int, name: str, happen: _Happen) -> None:
        """Enter what happens ``at`` that time, if that is not still to come."""
        if at <= self._book.now:
            self._entered += 1
            heappush(self._due, (at, kind, name, self._entered, happen))

    def enter_slid(self, wallet: str) -> None:
        """Enter when everything available in a wallet expires, where its expiry slides."""
        slides_to = self._book.balance(wallet).expires_at
        if slides_to is not None:
            self.enter(slides_to, _EXPIRY, wallet, self.slid_expiry(wallet))

    def run(self) -> datetime | None:
        """Let everything happen; return when the last of it that moved points was due."""
        last = None
        while self._due:
            at, *_, happen = heappop(self._due)
            before = self._book.seq
            happen(at)
            if self._book.seq != before:
                last = at
        return last

    def activation(self, lot: Lot) -> _Happen:
        """Return what happens when a lot can be spent."""

        def happen(at: datetime) -> None:
            remaining = self._book.lot(lot.id).remaining
            if not remaining:
                return
            self._book.post(lot.wallet, "pending", "available", remaining, lot_id=lot.id)
            slide = self._slides.get(lot.wallet)
            if slide is not None:
                self._book.slide(lot.wallet, max(slide(at), self._book.balance(lot.wallet).expires_at or at))
                self.enter_slid(lot.wallet)
            self._book.pay_debt(lot.wallet, (lot.id,))

        return happen

    def expiry(self, lot: Lot) -> _Happen:
        """Return what happens when a lot is too old; one that could be spent from then on never could."""
        return lambda _: self._book.expire(lot.id, source="pending" if lot.expires_waiting else "available")

    def slid_expiry(self, wallet: str) -> _Happen:
        """Return what happens when everything available in a wallet is too old."""

        def happen(at: datetime) -> None:
            slides_to = self._book.balance(wallet).expires_at
            if slides_to is None or slides_to > at:
                return  # points that became spendable meanwhile moved it on
            for lot in sorted(self._book.lots(wallet), key=lambda lot: lot.id):
                if lot.expires_at is None and not lot.is_pending(at):
                    self._book.expire(lot.id)

        return happen

    def release(self, hold: Hold) -> _Happen:
        """Return what happens when a hold runs out."""
        return lambda at: release(self._book, hold, captured=0, at=at)
