"""Metrics: what counts in a window, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pytest

from loyalty_engine.core.program.tiers import Orders, PointsEarned, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.tiers.metrics import Moved, count
from loyalty_engine.core.tiers.windows import Span

MAY: Final = datetime(2026, 5, 1, tzinfo=UTC)
JUNE: Final = datetime(2026, 6, 1, tzinfo=UTC)
JULY: Final = datetime(2026, 7, 1, tzinfo=UTC)
AUGUST: Final = datetime(2026, 8, 1, tzinfo=UTC)

SPEND: Final = Spend(kind="spend")
ORDERS: Final = Orders(kind="orders")
POINTS: Final = PointsEarned(kind="points_earned", wallet="points")
STAMPS: Final = PointsEarned(kind="points_earned", wallet="stamps")


@dataclass(frozen=True)
class Somebody:
    orders: int = 9
    spend: int = 900
    enrolled_at: datetime | None = None
    history: tuple[PastOrder, ...] = (PastOrder(JULY, 40), PastOrder(JUNE, 20), PastOrder(MAY, 10))
    earned: Mapping[str, Moved] = field(
        default_factory=lambda: {"points": ((MAY, 5), (JUNE, 7), (JUNE, -3), (JULY, 2))}
    )


@pytest.mark.parametrize(
    ("metric", "span", "at", "expected"),
    [
        (SPEND, Span(MAY, JULY), AUGUST, 30),
        (SPEND, Span(MAY, JULY), JUNE, 30),
        (SPEND, Span(MAY, AUGUST), JUNE, 30),
        (SPEND, Span(JUNE, JULY, is_rolling=True), JULY, 60),
        (SPEND, Span(None, None), MAY, 900),
        (ORDERS, Span(MAY, JULY), AUGUST, 2),
        (ORDERS, Span(MAY, AUGUST), MAY, 1),
        (ORDERS, Span(None, None), MAY, 9),
        (POINTS, Span(MAY, JULY), AUGUST, 9),
        (POINTS, Span(MAY, AUGUST), MAY, 5),
        (POINTS, Span(None, None), MAY, 11),
        (STAMPS, Span(MAY, AUGUST), AUGUST, 0),
    ],
)
def test_what_lies_in_the_window_counts_up_to_then(metric: TierMetric, span: Span, at: datetime, expected: int) -> None:
    assert count(metric, span, Somebody(), at) == expected
