"""What one member has, as plain lists: the points of a naive program.

Nothing of the engine is used. What time does is found by looking for the next thing that happens, again and again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tests.model.calendar import Life
from tests.model.ladders import Pile
from tests.model.stays import Stay

Use = tuple["Lot", int]
Times = tuple[datetime, datetime | None, datetime | None]
"""When points were earned, can be spent, and expire."""

Haul = tuple[Counter["Lot"], int]
"""How many points were taken of which lots, and how many were missing."""

NOTHING: Final[Mapping["Lot", int]] = {}


class RefusedError(Exception):
    """The program refuses; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(eq=False)
class Lot:
    """Points earned together. ``waits``: they cannot be spent yet; ``rotten`` of them expired.

    ``is_special``: they wait for a confirmation because the rule that gave them says so, not the wallet. ``heirs`` are the
    lots in which its points are when another member has them now.
    """

    number: int
    wallet: str
    amount: int
    left: int
    earned: datetime
    ready: datetime | None
    dies: datetime | None
    waits: bool
    rotten: int = 0
    is_special: bool = False
    heirs: list["Lot"] = field(default_factory=list)

    @property
    def turn(self) -> tuple[bool, datetime, datetime, int]:
        """Nearest expiry is spent first, then the oldest."""
        return (self.dies is None, self.dies or self.earned, self.earned, self.number)


@dataclass(frozen=True)
class Share:
    """Points to take back or to give again, and the lots that brought them; ``active`` of them had waited and do no more.

    ``lent`` points were taken of these lots because those of another share had none left.
    """

    lots: Sequence[Lot]
    points: int
    active: int = 0
    lent: int = 0


@dataclass(eq=False)
class Hold:
    """Points set aside."""

    wallet: str
    points: int
    until: datetime
    uses: list[Use]
    ending: str | None = None
    captured: int = 0


@dataclass(eq=False)
class Lease:
    """What a cart holds that is being paid, until then or until the cart ends."""

    until: datetime
    is_over: bool = False


@dataclass(eq=False)
class Purse:
    """One member's points. ``counts`` are the gifts of each kind that it got (None), and those that leases hold for it.

    ``piles`` say where it stands in each tier set, ``stays`` what it has of plans, ``gifts`` are points that it got for friends, and when.
    """

    name: str
    lives: Mapping[str, Life]
    booked: datetime
    lots: list[Lot] = field(default_factory=list)
    debts: dict[str, int] = field(default_factory=dict)
    slides: dict[str, datetime] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    counts: Counter[tuple[str, Lease | None]] = field(default_factory=Counter)
    piles: dict[str, Pile] = field(default_factory=dict)
    stays: dict[str, Stay] = field(default_factory=dict)
    gifts: list[tuple[datetime, int]] = field(default_factory=list)
    is_blocked: bool = False
    merged_into: "Purse | None" = None

    @property
    def now(self) -> datetime:
        """When the operation in hand is booked."""
        return self.booked

    def gifts_at(self, kind: str, now: datetime) -> int:
        """Return how many gifts of a kind it got, or has held for it."""
        alike = [(lease, count) for (found, lease), count in self.counts.items() if found == kind]
        return sum(count for lease, count in alike if lease is None or lease.until > now)

    def lose_gift(self, kind: str, lease: Lease | None) -> None:
        """Count a gift no more."""
        self.counts[kind, lease] = max(self.counts[kind, lease] - 1, 0)

    def available(self, wallet: str) -> int:
        """Return what can be spent."""
        return sum(lot.left for lot in self.lots if lot.wallet == wallet and not lot.waits)

    def unconfirmed(self, wallet: str) -> int:
        """Return what waits for somebody to confirm it."""
        return sum(lot.left for lot in self.lots if lot.wallet == wallet and lot.ready is None)

    def balances(self) -> dict[str, tuple[int, int, int, int]]:
        """Return available, pending, held and debt of each wallet that is not empty."""
        found = {}
        for wallet in self.lives:
            pending = sum(lot.left for lot in self.lots if lot.wallet == wallet and lot.waits)
            held = sum(hold.points for hold in self.holds if hold.wallet == wallet and hold.ending is None)
            row = (self.available(wallet), pending, held, self.debts.get(wallet, 0))
            if any(row):
                found[wallet] = row
        return found

    def pass_time(self, now: datetime) -> None:
        """Let everything happen that happens by ``now``, one after the other. Time never runs back for a member."""
        self.booked = max(self.booked, now)
        while True:
            events = [event for event in self._events() if event[0] <= self.booked]
            if not events:
                return
            at, _, _, what = min(events, key=lambda event: event[:3])
            if isinstance(what, Hold):
                self.release(what, at=at, ending="expired")
            elif isinstance(what, str):
                self._expire_all(what)
            elif what.waits and at == what.ready:
                self._activate_in_time(what, at)
            else:
                self.expire(what)

    def _events(self) -> list[tuple[datetime, int, int, "Lot | Hold | str"]]:
        events: list[tuple[datetime, int, int, Lot | Hold | str]] = []
        for lot in self.lots:
            if lot.left and lot.dies:
                events.append((lot.dies, 0, lot.number, lot))
            if lot.left and lot.waits and lot.ready and lot.ready != lot.dies:
                events.append((lot.ready, 1, lot.number, lot))
        for wallet, slides_to in self.slides.items():
            if any(self._slides(lot) for lot in self.lots if lot.wallet == wallet):
                events.append((slides_to, 0, -1, wallet))
        events += [(hold.until, 2, n, hold) for n, hold in enumerate(self.holds) if hold.ending is None]
        return events

    def _slides(self, lot: Lot) -> bool:
        return lot.left > 0 and lot.dies is None and not lot.waits

    def _activate_in_time(self, lot: Lot, at: datetime) -> None:
        lot.waits = False
        self.touch(lot.wallet, at)
        self.pay_debt(lot.wallet, [lot])

    def _expire_all(self, wallet: str) -> None:
        for lot in self.lots:
            if lot.wallet == wallet and self._slides(lot):
                self.expire(lot)

    def expire(self, lot: Lot) -> None:
        """Let what is left of a lot be gone."""
        lot.rotten += lot.left
        lot.left = 0

    def is_rotten(self, lot: Lot, at: datetime) -> bool:
        """Tell whether points of a lot are too old at that time."""
        if lot.dies:
            return lot.dies <= at
        slides_to = self.slides.get(lot.wallet)
        return slides_to is not None and slides_to <= at and not lot.waits

    def touch(self, wallet: str, at: datetime) -> None:
        """Note that points were earned or spent: expiry slides, never back. What is long gone says nothing."""
        until = self.lives[wallet].slide(at)
        if until is not None and until > self.now:
            self.slides[wallet] = max(until, self.slides.get(wallet, until))

    def welcome(self, lot: Lot) -> None:
        """Note that a lot is new; it is gone at once if nothing else had kept it until now."""
        at = lot.earned if lot.waits else max(lot.earned, lot.ready or lot.earned)
        self.touch(lot.wallet, at)
        until = self.lives[lot.wallet].slide(at)
        if until is not None and until <= self.now and not lot.waits and not lot.dies:
            self.expire(lot)

    def earn(self, wallet: str, points: int, times: Times) -> Lot:
        """Add a lot with its times. Debts are paid first; what comes too late is gone then."""
        lot = self.add(wallet, points, times)
        if not lot.waits:
            self.pay_debt(wallet, [lot])
        if lot.dies and lot.dies <= self.now:
            self.expire(lot)
        return lot

    def add(self, wallet: str, points: int, times: Times) -> Lot:
        """Add a lot with its times."""
        earned, ready, dies = times
        waits = ready is None or self.now < ready or (dies is not None and dies <= ready)
        lot = Lot(len(self.lots), wallet, points, points, earned, ready, dies, waits)
        self.lots.append(lot)
        return lot

    def spend(self, wallet: str, points: int) -> list[Use]:
        """Take points, nearest expiry first; refuse more than there is."""
        if points > self.available(wallet):
            raise RefusedError("insufficient_points")
        uses, _ = take(spendable(self._by_turn(wallet)), points)
        return uses

    def pay_debt(self, wallet: str, first: Sequence[Lot] = ()) -> None:
        """Pay what is owed out of what is available, ``first`` lots first."""
        payment = min(self.debts.get(wallet, 0), self.available(wallet))
        _, missing = take(spendable(first), payment)
        take(spendable(self._by_turn(wallet)), missing)
        self.debts[wallet] = self.debts.get(wallet, 0) - payment

    def owe(self, wallet: str, points: int) -> None:
        """Add a debt."""
        self.debts[wallet] = self.debts.get(wallet, 0) + points

    def restore(self, wallet: str, uses: Sequence[Use], grace: datetime | None) -> list[Lot]:
        """Put points back into their lots; rotten ones get some days of grace, or None. Return the lots."""
        back = []
        for lot, points in uses:
            if self.is_rotten(lot, self.now) and grace:
                back.append(self.add(wallet, points, (lot.earned, lot.ready, grace)))
            elif lot not in self.lots:
                back.append(self.add(wallet, points, (lot.earned, lot.ready, lot.dies)))
            else:
                lot.left += points
                back.append(lot)
        self.pay_debt(wallet, back)
        for lot in back:
            if self.is_rotten(lot, self.now):
                self.expire(lot)
        return back

    def get_again(self, lot: Lot, points: int) -> None:
        """Have points in a lot again that were with somebody else; what is too old by now is gone."""
        lot.left += points
        lot.waits = lot.ready is None or self.now < lot.ready
        lot.heirs.clear()
        if self.is_rotten(lot, self.now):
            self.expire(lot)

    def find(self, lots: Iterable[Lot]) -> list[Lot]:
        """Return the lots in which points of ``lots`` are here: themselves, or their heirs."""
        found: list[Lot] = []
        for lot in lots:
            found += [lot] if lot in self.lots else self.find(lot.heirs)
        return found

    def hold(self, wallet: str, points: int, until: datetime) -> Hold:
        """Set points aside."""
        self.holds.append(Hold(wallet, points, until, self.spend(wallet, points)))
        return self.holds[-1]

    def release(self, hold: Hold, *, at: datetime, ending: str, captured: int = 0) -> None:
        """End a hold: the rest goes back to its lots, and rots there if it is too old by now."""
        hold.ending, hold.captured = ending, captured
        back = []
        for lot, points in hold.uses:
            kept = max(points - captured, 0)
            captured = max(captured - points, 0)
            if kept:
                lot.left += kept
                back.append(lot)
        self.pay_debt(hold.wallet, back)
        for lot in back:
            if self.is_rotten(lot, at):
                self.expire(lot)

    def activate(self, lots: Sequence[Lot], wallet: str, points: int) -> list[Lot]:
        """Let so many points that wait in ``lots`` be spent; return the lots that were split off."""
        split = []
        for lot in [lot for lot in lots if lot.wallet == wallet and lot.waits and lot.left]:
            taken = min(points, lot.left)
            points -= taken
            if taken:
                here = self._part(lot, taken, self.now)
                split += [here] if here is not lot else []
                self.pay_debt(wallet, [here])
        return split

    def deactivate(self, lots: Sequence[Lot], points: int) -> list[Lot]:
        """Let so many points that can be spent wait again; return the lots that were split off."""
        split = []
        for lot in [lot for lot in lots if not lot.waits and lot.left]:
            taken = min(points, lot.left)
            points -= taken
            if taken:
                here = self._part(lot, taken, None)
                split += [here] if here is not lot else []
        return split

    def _part(self, lot: Lot, points: int, ready: datetime | None) -> Lot:
        """Return the lot with so many points of another that can be spent at another time."""
        if points == lot.left:
            lot.ready, lot.waits = ready, ready is None
            return lot
        lot.left -= points
        here = self.add(lot.wallet, points, (lot.earned, ready, lot.dies))
        here.is_special = lot.is_special
        return here

    def take_back(self, wallet: str, shares: Sequence[Share], restored: Mapping[Lot, int] = NOTHING) -> Haul:
        """Take points back; return how many of which lots, and how many are missing.

        Each share is taken from the lots that brought it, then from those of all, what waits first, then from others, and
        last from those to which the same order has ``restored`` points.
        """
        haul: Counter[Lot] = Counter()
        missing = sum(self._take_share(share, haul) for share in shares)
        own = [lot for share in shares for lot in share.lots]
        for share in shares:
            missing = take([lot for lot in share.lots if lot.waits], missing, haul)[1]
            missing = take(spendable(share.lots), missing, haul)[1]
        missing = self._take_rotten(own, missing, haul)
        for lot in self._by_turn(wallet):
            if lot not in own and not lot.waits:
                taken = min(max(lot.left - restored.get(lot, 0), 0), missing)
                lot.left -= taken
                missing -= taken
                haul[lot] += taken
        return haul, take(spendable(restored), missing, haul)[1]

    def _take_share(self, share: Share, haul: Counter[Lot]) -> int:
        first = min(share.active, share.points)
        missing = take(spendable(share.lots), first, haul)[1] + share.points - first
        missing = take([lot for lot in share.lots if lot.waits], missing, haul)[1]
        missing = take(spendable(share.lots), missing, haul)[1]
        return self._take_rotten(share.lots, missing, haul)

    @staticmethod
    def _take_rotten(lots: Sequence[Lot], points: int, haul: Counter[Lot]) -> int:
        for lot in lots:
            taken = min(lot.rotten, points)
            lot.rotten -= taken
            points -= taken
            haul[lot] += taken
        return points

    def give_again(
        self, wallet: str, shares: Sequence[Share], restored: Mapping[Lot, int], taken: Mapping[Lot, int], owed: int
    ) -> tuple[Counter[Lot], list[Lot]]:
        """Give points again that were ``taken`` back before, or ``owed``: what was taken last comes first.

        Return how many came into which lots, and a new lot for those that had no room.
        """
        given: Counter[Lot] = Counter()
        own = [lot for share in shares if share.points for lot in share.lots]
        mentioned = [*restored, *(lot for share in shares for lot in share.lots)]
        others = [lot for lot in self._by_turn(wallet) if lot not in mentioned]
        left = sum(share.points for share in shares)
        left -= self._refill(own, min(owed, left), Counter())
        for lot in reversed([*others, *restored]):
            left -= self._refill([lot], min(left, taken.get(lot, 0)), given)
        for share in reversed(shares):
            left -= self._refill(share.lots[::-1], min(left, 0 if share.points else share.lent), given)
        left -= self._refill(own, left, given)
        new = [self.earn(wallet, left, (own[0].earned, own[0].ready, own[0].dies))] if left else []
        return given, new

    def _refill(self, lots: Sequence[Lot], points: int, given: Counter[Lot]) -> int:
        left = points
        for lot in lots:
            back = min(lot.amount - lot.left - lot.rotten, left)
            if back <= 0:
                continue
            lot.left += back
            given[lot] += back
            left -= back
            if not lot.waits:
                self.pay_debt(lot.wallet, [lot])
            if self.is_rotten(lot, self.now):
                self.expire(lot)
        return points - left

    def _by_turn(self, wallet: str) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.wallet == wallet), key=lambda lot: lot.turn)


def spendable(lots: Iterable[Lot]) -> list[Lot]:
    """Return the lots that can be spent from."""
    return [lot for lot in lots if not lot.waits]


def take(lots: Sequence[Lot], points: int, haul: Counter[Lot] | None = None) -> tuple[list[Use], int]:
    """Take points out of one lot after the other; return what was taken, and how many are missing."""
    uses = []
    for lot in lots:
        taken = min(lot.left, points)
        if taken:
            lot.left -= taken
            points -= taken
            uses.append((lot, taken))
            if haul is not None:
                haul[lot] += taken
    return uses, points
