"""Metrics: how much a member has of what a tier set counts, in a window of it."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import accumulate
from operator import itemgetter
from typing import Protocol, assert_never

from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.tiers import Activities, Orders, PointsEarned, Quantity, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.selections import GroupedLines, compile_selection, measure_of
from loyalty_engine.core.tiers.counters import counter_of
from loyalty_engine.core.tiers.windows import Span, Window

Moved = tuple[tuple[datetime, int], ...]
"""Points of a wallet that were earned, or taken back (< 0), by when what earned them happened."""


class Deeds(Protocol):
    """What metrics look at: ``orders`` and ``spend`` are totals, ``history`` and ``earned`` reach as far as windows.

    ``history`` has lines where a metric counts goods.
    """

    @property
    def orders(self) -> int:
        """How many orders there are of which something is left."""

    @property
    def spend(self) -> int:
        """Minor units paid for goods that did not come back."""

    @property
    def enrolled_at(self) -> datetime | None:
        """Since when it is a member."""

    @property
    def history(self) -> tuple[PastOrder, ...]:
        """Its orders."""

    @property
    def earned(self) -> Mapping[str, Moved]:
        """What it earned, by wallet."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What is counted in its row."""


Count = Callable[[Span, Deeds, datetime], int]
"""Returns how much there is in a span, up to and with a moment. A span without ends takes the totals."""


def compile_metric(metric: TierMetric, window: Window, vocabulary: Vocabulary) -> Count:
    """Return how what ``check_program`` found no error in is counted, in spans of the window."""
    if isinstance(metric, Activities):
        return lambda span, deeds, at: deeds.counters.get(counter_of(metric, window, span.start or at), 0)
    add_up = compile_sums(metric, vocabulary)

    def count(span: Span, deeds: Deeds, at: datetime) -> int:
        total = _total(metric, deeds) if span.is_all else None
        return add_up(deeds).within(span, at) if total is None else total

    return count


def _total(metric: TierMetric, deeds: Deeds) -> int | None:
    """Return how much there ever was of what is known without its moments; None: it is not."""
    match metric:
        case Spend():
            return deeds.spend
        case Orders():
            return deeds.orders
        case PointsEarned(wallet=wallet):
            return sum([points for _, points in deeds.earned.get(wallet, ())])
        case _:
            return None


class Sums:
    """What a metric counts, added up once: how much there is in a span is a look-up then, for thousands of them.

    ``moments`` are when that happened, earliest first.
    """

    __slots__ = ("_sums", "_unit", "moments")

    def __init__(self, counted: Iterable[tuple[datetime, int]], unit: int = 1) -> None:
        ordered = sorted(counted, key=itemgetter(0))
        self.moments = [moment for moment, _ in ordered]
        self._sums = [0, *accumulate([amount for _, amount in ordered])]
        self._unit = unit

    def within(self, span: Span, at: datetime) -> int:
        """Return how much there is in a span, up to and with a moment."""
        through = bisect_right(self.moments, at)
        if span.end is not None:
            to = bisect_right if span.is_rolling else bisect_left
            through = min(through, to(self.moments, span.end))
        before = 0 if span.start is None else min(bisect_left(self.moments, span.start), through)
        return (self._sums[through] - self._sums[before]) // self._unit


AddUp = Callable[[Deeds], Sums]


def compile_sums(metric: TierMetric, vocabulary: Vocabulary) -> AddUp:
    """Return how what ``check_program`` found no error in is added up.

    Activities are counted in the member's row, without their moments.
    """
    match metric:
        case Spend():
            return lambda deeds: Sums([(past.placed_at, past.spend) for past in deeds.history])
        case Orders():
            return lambda deeds: Sums([(past.placed_at, 1) for past in deeds.history])
        case PointsEarned(wallet=wallet):
            return lambda deeds: Sums(_net(deeds.earned.get(wallet, ())))
        case Quantity(of=of):
            measure = measure_of(compile_selection(of or LineSelection(), vocabulary), "quantity")
            return lambda deeds: Sums(
                [(past.placed_at, measure(GroupedLines(past.lines or ()))) for past in deeds.history], SCALE
            )
        case Activities():
            return lambda _: Sums(())
        case _:
            assert_never(metric)


def _net(moved: Moved) -> Iterable[tuple[datetime, int]]:
    """Return what is left of what was earned; a moment of which nothing is left is none."""
    sums: Counter[datetime] = Counter()
    for moment, points in moved:
        sums[moment] += points
    return [(moment, points) for moment, points in sums.items() if points]
