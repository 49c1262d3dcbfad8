"""Metrics: how much a member has of what a tier set counts, in a window of it."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Protocol, assert_never

from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.tiers import Activities, Orders, PointsEarned, Quantity, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Line
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
    match metric:
        case Spend():
            return _spend
        case Orders():
            return _orders
        case PointsEarned(wallet=wallet):
            return partial(_points, wallet)
        case Quantity(of=of):
            measure = measure_of(compile_selection(of or LineSelection(), vocabulary), "quantity")
            return partial(_quantity, lambda lines: measure(GroupedLines(lines)))
        case Activities():
            return lambda span, deeds, at: deeds.counters.get(counter_of(metric, window, span.start or at), 0)
        case _:
            assert_never(metric)


class Sums:
    """What a metric counts, added up once: how much there is between any two moments is a look-up, for thousands of them.

    ``moments`` are when that happened, earliest first.
    """

    __slots__ = ("_sums", "_unit", "moments")

    def __init__(self, counted: Iterable[tuple[datetime, int]], unit: int = 1) -> None:
        ordered = sorted(counted, key=itemgetter(0))
        self.moments = [moment for moment, _ in ordered]
        self._sums = [0, *accumulate([amount for _, amount in ordered])]
        self._unit = unit

    def between(self, first: datetime, last: datetime) -> int:
        """Return how much there is from one moment to another, which both belong to it."""
        before, through = bisect_left(self.moments, first), bisect_right(self.moments, last)
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


def _spend(span: Span, deeds: Deeds, at: datetime) -> int:
    return deeds.spend if span.is_all else sum([past.spend for past in _within(span, deeds, at)])


def _orders(span: Span, deeds: Deeds, at: datetime) -> int:
    return deeds.orders if span.is_all else len(_within(span, deeds, at))


def _points(wallet: str, span: Span, deeds: Deeds, at: datetime) -> int:
    moved = deeds.earned.get(wallet, ())
    if span.is_all:
        return sum([points for _, points in moved])
    return sum([points for moment, points in moved if moment <= at and span.holds(moment)])


def _quantity(measure: Callable[[Sequence[Line]], int], span: Span, deeds: Deeds, at: datetime) -> int:
    return sum([measure(past.lines) for past in _within(span, deeds, at) if past.lines]) // SCALE


def _within(span: Span, deeds: Deeds, at: datetime) -> list[PastOrder]:
    return [past for past in deeds.history if past.placed_at <= at and span.holds(past.placed_at)]
