"""Ladders: which tier a metric leads to, until when a tier is kept, and where its member goes then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, assert_never

from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.program.conditions import HistoryComparison, HistoryWindow, walk
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.tiers import (
    LastsFor,
    LastsForever,
    LastsToEnd,
    Tier,
    TierMetric,
    TierSet,
    TierValidity,
)
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_profile
from loyalty_engine.core.rules.view import View
from loyalty_engine.core.tiers.metrics import AddUp, Count, Deeds, compile_metric, compile_sums
from loyalty_engine.core.tiers.rolling import roll
from loyalty_engine.core.tiers.standings import How, MemberTier, Standing
from loyalty_engine.core.tiers.windows import Window

_UNTIL_THAT_DAY: Final[frozenset[How]] = frozenset({"granted", "plan"})
"""How members come to tiers that end on their day, without grace."""

Reached = Callable[[datetime], int]
"""How much of the metric a member has at a moment that matters, in the window that counts there."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """A compiled tier set. ``base`` is the rank of the tier that asks for nothing, 0: none. Nobody is below it.

    ``entrances`` are the conditions that lead to a tier, by its rank. ``history`` is what they look back over.
    """

    key: str
    tiers: tuple[Tier, ...]
    metric: TierMetric
    count: Count
    add_up: AddUp
    window: Window
    lasts: TierValidity
    downgrade: Literal["to_level", "one_level", "never"]
    grace: Period | None
    returns: Literal["lower", "keep"]
    entrances: Mapping[int, Check] = field(default_factory=dict)
    history: tuple[tuple[HistoryWindow, bool], ...] = ()
    reads_profile: bool = False
    base: int = field(init=False)
    ranks: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.rank_for(0))
        object.__setattr__(self, "ranks", {tier.key: rank for rank, tier in enumerate(self.tiers, start=1)})

    @classmethod
    def of(cls, written: TierSet, window: Window, vocabulary: Vocabulary | None = None) -> "Ladder":
        """Return the ladder of a set that ``check_program`` found no error in; with the ``vocabulary`` of its conditions."""
        conditions = {rank: tier.when for rank, tier in enumerate(written.tiers, start=1) if tier.when is not None}
        words = vocabulary or Vocabulary({}, {})
        nodes = [node for when in conditions.values() for _, _, node in walk(when)]
        return cls(
            key=written.key,
            tiers=written.tiers,
            metric=written.metric,
            count=compile_metric(written.metric, window, words),
            add_up=compile_sums(written.metric, words),
            window=window,
            lasts=written.lasts,
            downgrade=written.downgrade,
            grace=None if written.grace is None else written.grace.period,
            returns=written.returns,
            entrances={rank: compile_condition(when, words) for rank, when in conditions.items()},
            history=tuple((node.history, node.reads_lines) for node in nodes if isinstance(node, HistoryComparison)),
            reads_profile=any(reads_profile(when, words) for when in conditions.values()),
        )

    def rank_for(self, amount: int) -> int:
        """Return the rank that so much of the metric leads to."""
        return max([rank for rank, least in self._thresholds() if least <= amount], default=0)

    def rank_by_condition(self, view: View) -> int:
        """Return the highest rank whose condition holds; 0: none does."""
        return max([rank for rank, check in self.entrances.items() if check(view) is None], default=0)

    def key_of(self, rank: int) -> str | None:
        """Return the key of a tier by its rank; None: below all."""
        return self.tiers[rank - 1].key if rank else None

    def now(self, deeds: Deeds) -> Reached:
        """Return how much a member has in the window in which a moment lies, up to then."""
        return lambda at: self.count(self.window.around(at, deeds.enrolled_at), deeds, at)

    def through(self, deeds: Deeds) -> Reached:
        """Return how much a member has in the window in which a moment lies, up to the end of that."""

        def reached(at: datetime) -> int:
            span = self.window.around(at, deeds.enrolled_at)
            return self.count(span, deeds, span.end or at)

        return reached

    def then(self, deeds: Deeds) -> Reached:
        """Return how much a member had in the window that a moment ends, or in which it lies."""
        return lambda at: self.count(self.window.ending(at, deeds.enrolled_at), deeds, at)

    def amounts(self, deeds: Deeds, happened_at: datetime, now: datetime) -> Sequence[tuple[datetime, int]]:
        """Return how much there is, and as of when, wherever something counts that ``happened_at`` that time.

        That is ``now``, with what clocks that are ahead have dated later already, and earlier if it is heard of late:
        in a window that is over all of it counts, and one that rolls ended with each thing that was bought since.
        """
        today, span = self.window.around(now, deeds.enrolled_at), self.window.around(happened_at, deeds.enrolled_at)
        if not today.is_rolling:
            found = [(now, self.through(deeds)(now))]
            is_over = span.end is not None and span.end <= now
            return [*found, (happened_at, self.through(deeds)(happened_at))] if is_over else found
        return roll(self.window, self.add_up(deeds), happened_at, now)

    def level(self, deeds: Deeds, now: datetime) -> int:
        """Return the highest rank that the metric leads to ``now``, with what clocks that are ahead have dated later already."""
        return max(self.rank_for(amount) for _, amount in self.amounts(deeds, now, now))

    def progress(self, standing: Standing | None, amount: int) -> Progress:
        """Return what the next tier above the member's needs."""
        rank = self.base if standing is None else max(standing.rank, self.base)
        following = next(((above, least) for above, least in self._thresholds() if above > rank), None)
        return Progress(amount) if following is None else Progress(amount, *following)

    def rise(
        self, standing: Standing | None, rank: int, at: datetime, *, enrolled_at: datetime | None, how: How = "earned"
    ) -> Standing | None:
        """Return where a member is who reaches ``rank`` at that time; None when that changes nothing.

        Who reaches the tier again in which it is, or a higher one, keeps it for as long as somebody who is new there.
        Whom somebody put down by hand does not rise until that ends.
        """
        if rank <= self.base or (standing is not None and (rank < standing.rank or _is_held_down(standing))):
            return None
        until = self._until(at, enrolled_at)
        if standing is None or rank > standing.rank:
            return Standing(rank, at, until, how, standing if standing is not None and standing.rank else None)
        if standing.until is None or (until is not None and until <= standing.until):
            return None
        return self._renew(standing, at, until, how, enrolled_at=enrolled_at)

    def _renew(
        self, standing: Standing, at: datetime, until: datetime | None, how: How, *, enrolled_at: datetime | None
    ) -> Standing:
        """Keep a tier for longer. Reached in another window, or in another way, it is so twice: the last time is kept, too."""
        reached_at, around = standing.reached_at or standing.since, self.window.around
        if how == standing.how and (how != "earned" or around(reached_at, enrolled_at) == around(at, enrolled_at)):
            return replace(standing, until=until)
        last, below = standing, standing.before
        if below is not None and below.rank == standing.rank and below.how not in _UNTIL_THAT_DAY:
            last = replace(standing, before=below.before)
        return replace(standing, until=until, how=how, before=last, reached_at=at)

    def lower(
        self, standing: Standing, reached: Reached, now: datetime, *, bought_at: datetime, enrolled_at: datetime | None
    ) -> Standing:
        """Return where a member is once goods came back that it had ``bought_at`` that time.

        ``reached`` is how much there is in a whole window, without what came back. An earned tier is lost when the
        window in which it was reached, of which that time is a part, does not reach it any more, and today's does not
        either. Then the member is where the metric leads, or where it was before if that is higher and lasts still;
        that may be lost, too.
        """
        if standing.how != "earned" or standing.rank <= self.base:
            return standing
        before = standing.before
        if before is not None:
            left = self.lower(before, reached, now, bought_at=bought_at, enrolled_at=enrolled_at)
            before = left if left == before or left.rank > self.base else None
            standing = replace(standing, before=before)
        reached_at = standing.reached_at or standing.since
        if not self.window.around(reached_at, enrolled_at).holds(bought_at):
            return standing
        then, today = self.rank_for(reached(reached_at)), self.rank_for(reached(now))
        level = max(then, today)
        if level >= standing.rank:
            return standing if then >= standing.rank else replace(standing, reached_at=now)
        while before is not None and self.has_ended(before, now):
            before = before.before
        if before is not None and before.rank >= level:
            return before
        if level <= self.base:
            return Standing(level, now)
        return replace(standing, rank=level, before=before if before is not None and before.rank < level else None)

    def ends_at(self, standing: Standing) -> datetime | None:
        """Return when a member has to be looked at again: the tier ran out and so did the time of grace. None: never.

        What was given by hand, or by a plan, ends on its day, without grace.
        """
        if standing.until is None:
            return None
        if self.grace is None or standing.how in _UNTIL_THAT_DAY:
            return standing.until
        return self.grace.after(standing.until, self.window.zone)

    def has_ended(self, standing: Standing, now: datetime) -> bool:
        """Tell whether a tier ran out, and its time of grace."""
        ends_at = self.ends_at(standing)
        return ends_at is not None and ends_at <= now

    def review(
        self, standing: Standing, reached: Reached, now: datetime, *, enrolled_at: datetime | None
    ) -> Sequence[Standing]:
        """Return where the member went, one by one, as its tiers ran out up to and with ``now``.

        Each time it goes by what it had reached when its tier ran out, or when the time of grace did if that is more.
        What was given by hand, or by a plan, leaves it where it would be without, if that is higher.
        """
        went: list[Standing] = []
        while (ends_at := self.ends_at(standing)) is not None and ends_at <= now:
            assert standing.until is not None
            level, as_of = max(
                [(self.rank_for(reached(end)), end) for end in (standing.until, ends_at)], key=lambda found: found[0]
            )
            as_of = self.window.moment_ending(as_of)
            if standing.how in _UNTIL_THAT_DAY:
                standing = self.resume(standing, level, reached, ends_at, enrolled_at=enrolled_at, as_of=as_of)
            else:
                rank = self._after(standing.rank, level)
                # What the downgrade leaves to somebody is owed to what led there at first.
                led = as_of if rank <= level else standing.reached_at or standing.since
                standing = self._fall(standing, rank, ends_at, enrolled_at=enrolled_at, reached_at=led)
            went.append(standing)
        return went

    def follow(
        self,
        standing: Standing | None,
        runs: Mapping[str, datetime],
        deeds: Deeds,
        *,
        at: datetime,
        level: Callable[[], int],
        as_of: datetime,
    ) -> Standing | None:
        """Return where a member is that is in these plans from ``at`` on, each until then, and at ``level`` without, by the
        window ``as_of`` that moment.

        It is at least in the highest tier that names one of them, as long as it is in that plan. Then it goes where it
        would be without, as when something ends that was given by hand.
        """
        led = max([(rank, runs[plan]) for rank, plan in self._plans() if plan in runs], default=(0, at))
        while standing is not None and standing.how == "plan" and standing.rank != led[0]:
            standing = self.resume(standing, level(), self.then(deeds), at, enrolled_at=deeds.enrolled_at, as_of=as_of)
        standing = None if standing is None else _renewed(standing, *led)
        if led[0] <= (self.base if standing is None else standing.rank):
            return standing
        if standing is not None and _is_held_down(standing):
            return standing
        return Standing(led[0], at, led[1], "plan", standing if standing is not None and standing.rank else None)

    def read(self, held: MemberTier | None) -> Standing | None:
        """Return a kept standing; in place of a tier that the set has no longer stands the next lower one that is left."""
        if held is None:
            return None
        keys = () if held.tier is None else (held.tier, *reversed(held.below))
        kept = next((self.ranks[key] for key in keys if key in self.ranks), 0)
        # Who was given a tier of which nothing is left was not put below all of them.
        how: How = held.how if kept or held.tier is None else "earned"
        return Standing(kept, held.since, held.until, how, self.read(held.before), held.reached_at)

    def keep(self, standing: Standing) -> MemberTier:
        """Return a standing as it is kept."""
        rank, keys = standing.rank, [tier.key for tier in self.tiers]
        return MemberTier(
            tier=keys[rank - 1] if rank else None,
            since=standing.since,
            until=standing.until,
            ends_at=self.ends_at(standing),
            how=standing.how,
            below=tuple(keys[: max(rank - 1, 0)]),
            before=None if standing.before is None else self.keep(standing.before),
            reached_at=standing.reached_at,
        )

    def rank_of(self, held: MemberTier | None) -> int:
        """Return the rank in which a member is."""
        if held is None:
            return self.base
        standing = self.read(held)
        return self.base if standing is None else self._place(standing)

    def _place(self, standing: Standing) -> int:
        return standing.rank if standing.how == "granted" else max(standing.rank, self.base)

    def resume(
        self,
        granted: Standing,
        level: int,
        reached: Reached,
        at: datetime,
        *,
        enrolled_at: datetime | None,
        as_of: datetime,
    ) -> Standing:
        """Return where a member is once a grant is over ``at`` that time, for whom the metric leads to ``level`` in the window
        ``as_of`` a moment.
        """
        if granted.before is not None:
            resumed = [granted.before, *self.review(granted.before, reached, at, enrolled_at=enrolled_at)][-1]
            if resumed.rank >= level:
                return resumed
        return self._settle(granted, level, at, enrolled_at=enrolled_at, reached_at=as_of)

    def _fall(
        self, standing: Standing, rank: int, at: datetime, *, enrolled_at: datetime | None, reached_at: datetime
    ) -> Standing:
        """Return where a member is whose tier ran out; what it was given by hand before that stays until it ends itself."""
        granted = standing.before
        while granted is not None and (granted.how != "granted" or self.has_ended(granted, at)):
            granted = granted.before
        if granted is not None and granted.rank >= rank:
            return granted
        settled = self._settle(standing, rank, at, enrolled_at=enrolled_at, reached_at=reached_at)
        return replace(settled, before=granted)

    def _settle(
        self, standing: Standing, rank: int, at: datetime, *, enrolled_at: datetime | None, reached_at: datetime
    ) -> Standing:
        since = at if rank != standing.rank else standing.since
        if rank <= self.base:
            return Standing(rank, since)
        return Standing(rank, since, self._until(at, enrolled_at), reached_at=reached_at)

    def _after(self, rank: int, level: int) -> int:
        match self.downgrade:
            case "never":
                return max(rank, level)
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

    def _plans(self) -> Sequence[tuple[int, str]]:
        return [(rank, tier.plan) for rank, tier in enumerate(self.tiers, start=1) if tier.plan is not None]

    def _thresholds(self) -> Sequence[tuple[int, int]]:
        return [(rank, tier.at_least) for rank, tier in enumerate(self.tiers, start=1) if tier.at_least is not None]


def _is_held_down(standing: Standing) -> bool:
    """Tell whether somebody put the member below where it was, or below all tiers."""
    if standing.how != "granted":
        return False
    return standing.rank == 0 or (standing.before is not None and standing.before.rank > standing.rank)


def _renewed(standing: Standing, rank: int, until: datetime) -> Standing:
    """Return the standing with what plans give in it kept until then, in that tier; in another one it is over by then."""
    before = None if standing.before is None else _renewed(standing.before, rank, until)
    if standing.how == "plan":
        until = until if standing.rank == rank or standing.until is None else min(standing.until, until)
        return replace(standing, until=until, before=before)
    return standing if before == standing.before else replace(standing, before=before)
