"""Metrics: what counts in a window, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.tiers import (
    Activities,
    Calendar,
    Lifetime,
    Orders,
    PointsEarned,
    Quantity,
    Spend,
    TierMetric,
    TierWindow,
)
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Line
from loyalty_engine.core.tiers.counters import add, amount_of, counter_of, take_back
from loyalty_engine.core.tiers.metrics import Moved, compile_metric
from loyalty_engine.core.tiers.windows import Span, Window

MAY: Final = datetime(2026, 5, 1, tzinfo=UTC)
JUNE: Final = datetime(2026, 6, 1, tzinfo=UTC)
JULY: Final = datetime(2026, 7, 1, tzinfo=UTC)
AUGUST: Final = datetime(2026, 8, 1, tzinfo=UTC)

SPEND: Final = Spend(kind="spend")
ORDERS: Final = Orders(kind="orders")
POINTS: Final = PointsEarned(kind="points_earned", wallet="points")
STAMPS: Final = PointsEarned(kind="points_earned", wallet="stamps")
UNITS: Final = Quantity(kind="quantity")
COFFEE: Final = Quantity(kind="quantity", of=LineSelection(category=("coffee",)))
CUPS: Final = Activities(kind="activities", activity="own_cup")
STEPS: Final = Activities(kind="activities", activity="walk", sum_of="steps")

EVER: Final = Lifetime(kind="lifetime")
MONTHS: Final = Calendar(kind="calendar", unit="month")
BERLIN: Final = ZoneInfo("Europe/Berlin")


def bought(category: str, quantity: int) -> Line:
    return Line("1", 100, quantity, category=category)


@dataclass(frozen=True)
class Somebody:
    orders: int = 9
    spend: int = 900
    enrolled_at: datetime | None = None
    history: tuple[PastOrder, ...] = (
        PastOrder(JULY, 40, (bought("tea", 3 * SCALE),)),
        PastOrder(JUNE, 20, (bought("coffee", 2 * SCALE), bought("coffee", SCALE // 2), bought("tea", SCALE // 2))),
        PastOrder(MAY, 10, (bought("coffee", SCALE // 2),)),
    )
    earned: Mapping[str, Moved] = field(
        default_factory=lambda: {"points": ((MAY, 5), (JUNE, 7), (JUNE, -3), (JULY, 2))}
    )
    counters: Mapping[str, int] = field(
        default_factory=lambda: {"tier/own_cup//lifetime/": 12, "tier/own_cup//months/2026-06": 5}
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
        (UNITS, Span(MAY, AUGUST), AUGUST, 6),
        (UNITS, Span(MAY, JUNE), AUGUST, 0),
        (COFFEE, Span(MAY, AUGUST), AUGUST, 3),
        (COFFEE, Span(JUNE, AUGUST), AUGUST, 2),
        (COFFEE, Span(MAY, AUGUST), MAY, 0),
        (CUPS, Span(None, None), AUGUST, 12),
        (STEPS, Span(None, None), AUGUST, 0),
    ],
)
def test_what_lies_in_the_window_counts_up_to_then(metric: TierMetric, span: Span, at: datetime, expected: int) -> None:
    assert compile_metric(metric, Window(EVER, UTC), Vocabulary({}, {}))(span, Somebody(), at) == expected


def test_activities_are_counted_by_the_period_of_the_span() -> None:
    count = compile_metric(CUPS, Window(MONTHS, UTC), Vocabulary({}, {}))
    assert [count(Span(start, None), Somebody(), AUGUST) for start in (MAY, JUNE)] == [0, 5]


@pytest.mark.parametrize(
    ("metric", "window", "name"),
    [
        (CUPS, EVER, "tier/own_cup//lifetime/"),
        (CUPS, MONTHS, "tier/own_cup//months/2026-06"),
        (STEPS, Calendar(kind="calendar", unit="year"), "tier/walk/steps/years/2026"),
        (CUPS, Calendar(kind="calendar", unit="quarter"), "tier/own_cup//quarters/2026-Q2"),
    ],
)
def test_a_counter_is_named_by_the_period_of_the_programs_zone(
    metric: Activities, window: TierWindow, name: str
) -> None:
    last_of_may = datetime(2026, 5, 31, 22, 0, tzinfo=UTC)
    assert counter_of(metric, Window(window, BERLIN), last_of_may) == name


def test_an_activity_counts_once_or_for_what_it_tells() -> None:
    told = [
        amount_of(CUPS, {"steps": 7}),
        amount_of(STEPS, {"steps": 7}),
        amount_of(STEPS, {}),
        amount_of(STEPS, {"steps": -2}),
    ]
    assert told == [1, 7, 0, -2]


def test_the_newest_forty_periods_are_kept() -> None:
    old = {f"tier/own_cup//months/{2020 + n // 12}-{n % 12 + 1:02}": 1 for n in range(40)}
    after = add({**old, "earning/base/times/month/2020-01": 3}, {"tier/own_cup//months/2023-05": 2})
    assert sorted(set(old) - set(after)) == ["tier/own_cup//months/2020-01"]
    assert (after["tier/own_cup//months/2023-05"], after["earning/base/times/month/2020-01"]) == (2, 3)


def test_what_is_forgotten_is_not_taken_back() -> None:
    assert take_back({"kept": 5}, {"kept": 2, "forgotten": 1}) == {"kept": 3}
