"""Ladders: which tier a metric leads to, until when a tier is kept, and where its member goes then.

Ranks count from 1, the lowest tier; 0 is below all of them. Nothing here knows how much a member has of the metric: that
is handed in for each moment that matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.program.tiers import LastsFor, LastsForever, LastsToEnd, Tier, TierSet, TierValidity
from loyalty_engine.core.tiers.windows import Window

How = Literal["earned", "condition", "granted", "plan"]

Reached = Callable[[datetime], int]
"""How much of the metric a member has in the window that ends with a moment, or in which the moment lies before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member is: in the tier of ``rank`` since then, until then at least, None: for good. ``how`` it came there."""

    rank: int
    since: datetime
    until: datetime | None = None
    how: How = "earned"


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the metric the next tier needs, and what there is; ``rank`` is that tier's, None: there is none."""

    actual: int
    rank: int | None = None
    needed: int | None = None

    @property
    def missing(self) -> int | None:
        """How much is missing."""
        return None if self.needed is None else max(self.needed - self.actual, 0)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A compiled tier set."""

    key: str
    tiers: tuple[Tier, ...]
    window: Window
    lasts: TierValidity
    downgrade: Literal["to_level", "one_level", "never"]
    grace: Period | None

    @classmethod
    def of(cls, written: TierSet, window: Window) -> "Ladder":
        """Return the ladder of a set that ``check_program`` found no error in."""
        grace = None if written.grace is None else written.grace.period
        return cls(written.key, written.tiers, window, written.lasts, written.downgrade, grace)

    def rank_for(self, amount: int) -> int:
        """Return the rank that so much of the metric leads to."""
        return max([rank for rank, least in self._thresholds() if least <= amount], default=0)

    def progress(self, standing: Standing | None, amount: int) -> Progress:
        """Return what the next tier above the member's needs."""
        rank = 0 if standing is None else standing.rank
        following = next(((above, least) for above, least in self._thresholds() if above > rank), None)
        return Progress(amount) if following is None else Progress(amount, *following)

    def rise(
        self, standing: Standing | None, rank: int, at: datetime, *, enrolled_at: datetime | None, how: How = "earned"
    ) -> Standing | None:
        """Return where a member is who reaches ``rank`` at that time; None when that changes nothing.

        Who reaches the tier again in which it is, or a higher one, keeps it for as long as somebody who is new there.
        """
        if rank == 0 or (standing is not None and rank < standing.rank):
            return None
        until = self._until(at, enrolled_at)
        if standing is None or rank > standing.rank:
            return Standing(rank, at, until, how)
        if standing.until is None or (until is not None and until <= standing.until):
            return None
        return replace(standing, until=until)

    def ends_at(self, standing: Standing) -> datetime | None:
        """Return when a member has to be looked at again: the tier ran out and so did the time of grace. None: never."""
        if standing.until is None or standing.rank == 0:
            return None
        return standing.until if self.grace is None else self.grace.after(standing.until, self.window.zone)

    def review(
        self, standing: Standing, reached: Reached, now: datetime, *, enrolled_at: datetime | None
    ) -> Sequence[Standing]:
        """Return where the member went, one by one, as its tiers ran out up to and with ``now``.

        Each time it goes by what it had reached when its tier ran out, or when the time of grace did if that is more.
        """
        went: list[Standing] = []
        while (ends_at := self.ends_at(standing)) is not None and ends_at <= now:
            assert standing.until is not None
            level = max(self.rank_for(reached(standing.until)), self.rank_for(reached(ends_at)))
            rank = self._after(standing.rank, level)
            until = self._until(ends_at, enrolled_at) if rank else None
            standing = Standing(rank, ends_at if rank != standing.rank else standing.since, until)
            went.append(standing)
        return went

    def _after(self, rank: int, level: int) -> int:
        match self.downgrade:
            case "never":
                return rank
            case "one_level":
                return max(rank - 1, level)
            case "to_level":
                return level
            case _:
                assert_never(self.downgrade)

    def _until(self, at: datetime, enrolled_at: datetime | None) -> datetime | None:
        match self.lasts:
            case LastsForever():
                return None
            case LastsFor(length=length):
                return length.period.after(at, self.window.zone)
            case LastsToEnd(more=more):
                end = self.window.around(at, enrolled_at).end
                for _ in range(more):
                    end = None if end is None else self.window.around(end, enrolled_at).end
                return end
            case _:
                assert_never(self.lasts)

    def _thresholds(self) -> Sequence[tuple[int, int]]:
        return [(rank, tier.at_least) for rank, tier in enumerate(self.tiers, start=1) if tier.at_least is not None]
