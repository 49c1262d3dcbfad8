"""Ladders of tiers. Where a member stands is a pile of places: what counts lies on top, what it falls back to below it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from tests.model.calendar import days_after, end_of_month, start_of_month


@dataclass(frozen=True)
class Place:
    """A tier by its rank, 0: none. ``reached`` is when the metric led there, or carried it on; ``is_paid``: a plan did."""

    rank: int
    since: datetime
    until: datetime | None
    reached: datetime
    is_granted: bool = False
    is_paid: bool = False

    @property
    def is_earned(self) -> bool:
        """Tell whether the metric led there."""
        return not self.is_granted and not self.is_paid


Pile = tuple[Place, ...]
Runs = Mapping[str, datetime]
"""The plans that somebody is in, and until when."""


class Deed(NamedTuple):
    """What an order amounts to by now."""

    placed: datetime
    spend: int
    orders: int
    points: int


@dataclass(frozen=True)
class Ladder:
    """A tier set. ``window`` is in days up to now, if it is a number; ``least`` leads to ``tier_1`` and so on.

    A tier lasts so many days, or to the end of its month and ``more`` months (None: for good). ``plans`` lead to ranks.
    """

    key: str
    metric: Literal["spend", "orders", "points"]
    window: Literal["ever", "month"] | int
    least: Sequence[int]
    days: int | None = None
    more: int | None = None
    falls: Literal["to_level", "one_level", "never"] = "to_level"
    grace: int = 0
    keeps: bool = False
    plans: Sequence[tuple[int, str]] = ()

    @property
    def base(self) -> int:
        """The rank of the tier that asks for nothing; 0: there is none."""
        return self._rank(0)

    @property
    def keys(self) -> Sequence[str]:
        """The keys of the tiers, lowest first."""
        return [f"tier_{rank}" for rank in range(1, len(self.least) + 1)]

    def rank_of(self, pile: Pile) -> int:
        """Return the rank in which somebody is."""
        if not pile:
            return self.base
        return pile[-1].rank if pile[-1].is_granted else max(pile[-1].rank, self.base)

    def show(self, pile: Pile) -> tuple[str | None, datetime | None]:
        """Return the tier's key, and until when it lasts."""
        rank = self.rank_of(pile)
        return self.keys[rank - 1] if rank else None, pile[-1].until if pile else None

    def buy(self, pile: Pile, deeds: Sequence[Deed], placed: datetime, now: datetime) -> Pile:
        """Return where an order leads that was placed then: by today's window, and by each that has ended since and held it."""
        pile = self._rise(pile, self._reach(deeds, self._around(now)), now)
        holds = self._around(placed)
        if self.window == "month" and not holds(now):
            late = self._rise(pile, self._reach(deeds, holds), placed)
            return pile if self._is_over(late, now) else late
        if isinstance(self.window, int):
            bought = {placed, *(deed.placed for deed in deeds if self._counts(deed))}
            for end in sorted(moment for moment in bought if placed <= moment < now):
                holds = self._around(end)
                late = self._rise(pile, self._reach(deeds, holds), end) if holds(placed) else pile
                pile = pile if self._is_over(late, now) else late
        return pile

    def join(self, one: Pile, other: Pile, deeds: Sequence[Deed], now: datetime) -> Pile:
        """Return where two are who have become one: the better of both piles, or higher if both together reach that."""
        pile = self._better(one, other)
        rank = self._reach(deeds, self._around(now))
        return self._rise(pile, rank, now) if rank > (pile[-1].rank if pile else 0) else pile

    def lose(self, pile: Pile, deeds: Sequence[Deed], placed: datetime, now: datetime) -> Pile:
        """Return where somebody is once goods came back of an order that was placed then."""
        if self.keeps or not pile or not pile[-1].is_earned or pile[-1].rank <= self.base:
            return pile
        top, left = pile[-1], self.lose(pile[:-1], deeds, placed, now)
        below = left if left == pile[:-1] or left[-1].rank > self.base else ()
        pile = (*below, top)
        holds = self._around(top.reached)
        if not holds(placed):
            return pile
        then, today = self._reach(deeds, holds), self._reach(deeds, self._around(now))
        level = max(then, today)
        if level >= top.rank:
            return pile if then >= top.rank else (*below, replace(top, reached=now))
        while below and self._is_over(below, now):
            below = below[:-1]
        if below and below[-1].rank >= level:
            return below
        if level <= self.base:
            return (Place(level, now, None, now),)
        return (*(below if below and below[-1].rank < level else ()), replace(top, rank=level))

    def review(self, pile: Pile, deeds: Sequence[Deed], now: datetime, runs: Runs) -> Pile:
        """Return where somebody is, once tiers ran out one after the other up to now; plans that run hold it up."""
        reviewed, at = self._run_out(pile, deeds, now)
        return pile if at is None else self._follow(reviewed, deeds, runs, at, led=self._last_of(at))

    def follow(self, pile: Pile, deeds: Sequence[Deed], runs: Runs, now: datetime) -> Pile:
        """Return where plans lead that run until then, and what is left without those that do not."""
        return self._follow(pile, deeds, runs, now, led=now)

    def _follow(self, pile: Pile, deeds: Sequence[Deed], runs: Runs, at: datetime, *, led: datetime) -> Pile:
        rank, until = max([(rank, runs[plan]) for rank, plan in self.plans if plan in runs], default=(0, at))
        while pile and pile[-1].is_paid and pile[-1].rank != rank:
            level, below = self._reach(deeds, self._around(led)), self._run_out(pile[:-1], deeds, at)[0]
            pile = below if below and below[-1].rank >= level else (self._go_on(pile[-1], level, at, led),)
        pile = tuple(_prolong(place, rank, until) for place in pile)
        if rank <= (pile[-1].rank if pile else self.base) or self._is_held_down(pile):
            return pile
        return (*(pile if pile and pile[-1].rank else ()), Place(rank, at, until, at, is_paid=True))

    def _run_out(self, pile: Pile, deeds: Sequence[Deed], now: datetime) -> tuple[Pile, datetime | None]:
        """Return where somebody is without plans that run, and when the last tier ran out; None: none did."""
        last = None
        while (end := self._end(pile)) is not None and end <= now:
            last = end
            top, below = pile[-1], pile[:-1]
            until = top.until or end
            ranks = {moment: self._reach(deeds, self._around(moment)) for moment in map(self._last_of, (until, end))}
            led = max(ranks, key=ranks.__getitem__)
            level = ranks[led]
            if not top.is_earned:
                below = self._run_out(below, deeds, end)[0]
                pile = below if below and below[-1].rank >= level else (self._go_on(top, level, end, led),)
                continue
            rank = {"to_level": level, "one_level": max(top.rank - 1, level), "never": max(top.rank, level)}[self.falls]
            while below and (not below[-1].is_granted or self._is_over(below, end)):
                below = below[:-1]
            pile = (
                below
                if below and below[-1].rank >= rank
                else (*below, self._go_on(top, rank, end, led if rank <= level else top.reached))
            )
        return pile, last

    def grant(self, pile: Pile, rank: int, until: datetime | None, now: datetime) -> Pile:
        """Return the pile of somebody who was put into a tier by hand; another grant takes the place of the first."""
        below = pile[:-1] if pile and pile[-1].is_granted else pile
        return (*below, Place(rank, now, until, now, is_granted=True))

    def end_grant(self, pile: Pile, deeds: Sequence[Deed], now: datetime) -> Pile | None:
        """Return the pile without what was given by hand, which may lie below what is earned by now; None: nothing was."""
        if not pile or not pile[-1].is_granted:
            found = [n for n, place in enumerate(pile) if place.is_granted and not self._is_over(pile[: n + 1], now)]
            return (*pile[: found[-1]], *pile[found[-1] + 1 :]) if found else None
        level, below = self._reach(deeds, self._around(now)), self._run_out(pile[:-1], deeds, now)[0]
        return below if below and below[-1].rank >= level else (self._go_on(pile[-1], level, now, now),)

    @staticmethod
    def _better(one: Pile, other: Pile) -> Pile:
        """Return the better of two piles: the higher one, and of two alike that which lasts longer."""
        if not one or not other or one[-1].rank != other[-1].rank:
            return max(one, other, key=lambda pile: pile[-1].rank if pile else -1)
        here, there = one[-1].until, other[-1].until
        return other if here is not None and (there is None or there > here) else one

    def _rise(self, pile: Pile, rank: int, at: datetime) -> Pile:
        top, below = (pile[-1], pile[:-1]) if pile else (None, ())
        if rank <= self.base or self._is_held_down(pile) or (top is not None and rank < top.rank):
            return pile
        until = self._last(at)
        if top is None or rank > top.rank:
            return (*(pile if top is not None and top.rank else ()), Place(rank, at, until, at))
        if top.until is None or (until is not None and until <= top.until):
            return pile
        if top.is_earned and self._are_one(top.reached, at):
            return (*below, replace(top, until=until))
        if below and below[-1].rank == top.rank and below[-1].is_earned:
            below = below[:-1]
        return (*below, top, Place(rank, top.since, until, at))

    def _are_one(self, one: datetime, other: datetime) -> bool:
        """Tell whether two moments lie in one window."""
        if self.window == "month":
            return start_of_month(one) == start_of_month(other)
        return self.window == "ever" or one == other

    @staticmethod
    def _is_held_down(pile: Pile) -> bool:
        """Tell whether somebody was put below all tiers, or below where it was."""
        is_put = bool(pile) and pile[-1].is_granted
        return is_put and (not pile[-1].rank or (len(pile) > 1 and pile[-2].rank > pile[-1].rank))

    def _go_on(self, top: Place, rank: int, at: datetime, reached: datetime) -> Place:
        since = top.since if rank == top.rank else at
        return Place(rank, since, self._last(at), reached) if rank > self.base else Place(rank, since, None, since)

    def _last(self, at: datetime) -> datetime | None:
        if self.more is None:
            return None if self.days is None else days_after(at, self.days)
        for _ in range(self.more + 1):
            at = end_of_month(at)
        return at

    def _end(self, pile: Pile) -> datetime | None:
        """Return when a tier is over, with its time of grace; what was given by hand or by a plan has none."""
        if not pile or pile[-1].until is None:
            return None
        return days_after(pile[-1].until, self.grace) if pile[-1].is_earned else pile[-1].until

    def _is_over(self, pile: Pile, now: datetime) -> bool:
        end = self._end(pile)
        return end is not None and end <= now

    def _around(self, at: datetime) -> Callable[[datetime], bool]:
        """Return what tells whether something happened in the window of that moment."""
        if self.window == "ever":
            return lambda _: True
        if self.window == "month":
            start, end = start_of_month(at), end_of_month(at)
            return lambda moment: start <= moment < end
        first = days_after(at, -self.window)
        return lambda moment: first <= moment <= at

    def _last_of(self, at: datetime) -> datetime:
        """Return a moment of the window which ends with that one."""
        return at - datetime.resolution if self.window == "month" else at

    def amount(self, deeds: Sequence[Deed], now: datetime) -> int:
        """Return how much of the metric there is today."""
        return self._sum(deeds, self._around(now))

    def _counts(self, deed: Deed) -> bool:
        """Tell whether a deed is one of what the ladder counts, however little."""
        return bool(deed.points) if self.metric == "points" else bool(deed.orders)

    def _reach(self, deeds: Sequence[Deed], holds: Callable[[datetime], bool]) -> int:
        return self._rank(self._sum(deeds, holds))

    def _sum(self, deeds: Sequence[Deed], holds: Callable[[datetime], bool]) -> int:
        return sum(getattr(deed, self.metric) for deed in deeds if holds(deed.placed))

    def _rank(self, amount: int) -> int:
        return max([rank for rank, least in enumerate(self.least, start=1) if least <= amount], default=0)


def _prolong(place: Place, rank: int, until: datetime) -> Place:
    """Return a place that a plan gave as long as that plan runs; another one is over by then."""
    if not place.is_paid:
        return place
    return replace(place, until=until if place.rank == rank or place.until is None else min(place.until, until))
