"""Windows that roll: what is added up once, and the moments at which it counts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.tiers import Orders, PointsEarned, Quantity, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Line
from loyalty_engine.core.tiers.metrics import Sums, compile_metric, compile_sums
from loyalty_engine.core.tiers.rolling import roll
from loyalty_engine.core.tiers.windows import Span
from tests.core.engine_cases import member
from tests.core.tiers.test_ladder import ladder

DAY: Final = timedelta(days=1)
JUNE: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW: Final = ladder(window={"kind": "rolling", "length": {"days": 30}}).window
METRICS: Final[Mapping[str, TierMetric]] = {
    "spend": Spend(kind="spend"),
    "orders": Orders(kind="orders"),
    "points_earned": PointsEarned(kind="points_earned", wallet="points"),
    "quantity": Quantity(kind="quantity"),
}
BOUGHT: Final = ((1, 5), (2, 0), (2, 7), (31, 2), (40, 3))
"""Days since June, and cents paid for half as many pieces."""


@pytest.mark.parametrize(
    ("kind", "all_of_it", "day_2", "up_to_day_30", "day_2_to_31"),
    [("spend", 17, 7, 12, 9), ("orders", 5, 2, 3, 3), ("points_earned", 17, 7, 12, 9), ("quantity", 8, 3, 6, 4)],
)
def test_each_metric_is_what_lies_between_two_moments(
    kind: str, all_of_it: int, day_2: int, up_to_day_30: int, day_2_to_31: int
) -> None:
    metric = METRICS[kind]
    history = tuple(PastOrder(JUNE + n * DAY, cents, (Line("1", cents, cents * 500_000),)) for n, cents in BOUGHT)
    someone = member(history=history, earned={"points": tuple((past.placed_at, past.spend) for past in history)})
    sums = compile_sums(metric, Vocabulary({}, {}))(someone)
    count = compile_metric(metric, WINDOW, Vocabulary({}, {}))
    second, last = JUNE + 2 * DAY, JUNE + 31 * DAY

    assert sums.within(Span(None, None), JUNE + 50 * DAY) == all_of_it
    assert sums.within(Span(second, second, is_rolling=True), last) == day_2
    assert count(Span(JUNE, last), someone, last) == up_to_day_30, "a span does not hold its end"
    assert count(Span(second, last, is_rolling=True), someone, last) == day_2_to_31, "unless it rolls"
    assert count(Span(second, last, is_rolling=True), someone, second) == day_2, "up to the moment that is asked for"
    assert count(Span(last, None), someone, second) == 0


def test_what_is_heard_of_in_time_counts_now() -> None:
    sums = Sums([(JUNE - 31 * DAY, 1), (JUNE - 30 * DAY, 2), (JUNE - DAY, 4)])
    assert roll(WINDOW, sums, JUNE, JUNE) == [(JUNE, 6)]


def test_what_is_heard_of_late_counts_at_each_moment_since() -> None:
    then = JUNE - 20 * DAY
    sums = Sums([(JUNE - 40 * DAY, 1), (then, 2), (JUNE - 10 * DAY, 4), (JUNE, 8)])
    assert roll(WINDOW, sums, then, JUNE) == [(JUNE, 14), (then, 3), (JUNE - 10 * DAY, 7)]


def test_what_a_clock_ahead_has_dated_later_counts_then() -> None:
    sums = Sums([(JUNE, 1), (JUNE + DAY, 2)])
    assert roll(WINDOW, sums, JUNE, JUNE) == [(JUNE, 1), (JUNE + DAY, 3)]
