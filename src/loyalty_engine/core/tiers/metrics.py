"""Metrics: how much a member has of what a tier set counts, in a window of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, assert_never

from loyalty_engine.core.program.tiers import Orders, PointsEarned, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.tiers.windows import Span

Moved = tuple[tuple[datetime, int], ...]
"""Points of a wallet that were earned, or taken back (< 0), by when what earned them happened."""


class Deeds(Protocol):
    """What metrics look at. ``orders`` and ``spend`` are totals; ``history`` and ``earned`` reach back as far as any window."""

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


def count(metric: TierMetric, span: Span, deeds: Deeds, at: datetime) -> int:
    """Return how much there is in a span, up to and with ``at``. A span without ends takes the totals."""
    if span.start is None and span.end is None:
        return _total(metric, deeds)
    match metric:
        case Spend():
            return sum([past.spend for past in deeds.history if past.placed_at <= at and span.holds(past.placed_at)])
        case Orders():
            return sum([past.placed_at <= at and span.holds(past.placed_at) for past in deeds.history])
        case PointsEarned(wallet=wallet):
            moved = deeds.earned.get(wallet, ())
            return sum([points for moment, points in moved if moment <= at and span.holds(moment)])
        case _:
            assert_never(metric)


def _total(metric: TierMetric, deeds: Deeds) -> int:
    match metric:
        case Spend():
            return deeds.spend
        case Orders():
            return deeds.orders
        case PointsEarned(wallet=wallet):
            return sum([points for _, points in deeds.earned.get(wallet, ())])
        case _:
            assert_never(metric)
