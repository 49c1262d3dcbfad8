"""Windows that roll: what is added up once is what is counted each time, for each metric and any two moments."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
METRICS: Final[tuple[TierMetric, ...]] = (
    Spend(kind="spend"),
    Orders(kind="orders"),
    PointsEarned(kind="points_earned", wallet="points"),
    Quantity(kind="quantity"),
)
days = st.integers(0, 40)


@pytest.mark.parametrize("metric", METRICS, ids=[metric.kind for metric in METRICS])
@given(bought=st.lists(st.tuples(days, st.integers(0, 9)), max_size=8), first=days, last=days)
def test_what_is_added_up_once_is_what_is_counted(
    metric: TierMetric, bought: list[tuple[int, int]], first: int, last: int
) -> None:
    history = tuple(
        PastOrder(JUNE + n * DAY, amount, (Line("1", amount, amount * 500_000),)) for n, amount in sorted(bought)
    )
    someone = member(history=history, earned={"points": tuple((past.placed_at, past.spend) for past in history)})
    start, end = JUNE + min(first, last) * DAY, JUNE + max(first, last) * DAY
    words = Vocabulary({}, {})

    added = compile_sums(metric, words)(someone).between(start, end)

    assert added == compile_metric(metric, WINDOW, words)(Span(start, end, is_rolling=True), someone, end)


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
