"""Measures of earlier orders, against the plainest way to count them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.program.conditions import HistoryComparison
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.past import compile_history
from tests.core.orders import VOCABULARY, condition, line, member, order, view_of

ZONE: Final = "America/Sao_Paulo"
AT: Final = datetime(2018, 11, 8, 15, 30, tzinfo=UTC)
"""A Thursday, four days after the day whose midnight did not exist."""

WINDOWS: Final = st.sampled_from(
    [
        {},
        {"days": 1},
        {"days": 4},
        {"days": 40},
        *({"calendar": unit} for unit in ("day", "week", "month", "quarter", "year")),
    ]
)
LINES: Final = st.lists(
    st.builds(
        lambda amount, quantity, category: line(amount, quantity, category=category),
        st.integers(0, 500),
        st.sampled_from(["0", "0.5", "2"]),
        st.sampled_from([None, "coffee", "tea"]),
    ),
    max_size=3,
)
PAST: Final = st.lists(
    st.builds(
        lambda minutes, lines, spend: PastOrder(AT - timedelta(minutes=minutes), spend, tuple(lines)),
        st.integers(-100, 500) | st.integers(0, 500_000) | st.sampled_from([0, 1440, 4 * 1440, 4 * 1440 + 60]),
        LINES,
        st.integers(0, 900),
    ),
    max_size=6,
)


def is_within(window: dict[str, Any], past: PastOrder) -> bool:
    """Compare wall clocks: how many days, or which period, lie between two of them."""
    zone = ZoneInfo(ZONE)
    then, now = past.placed_at.astimezone(zone).replace(tzinfo=None), AT.astimezone(zone).replace(tzinfo=None)
    if past.placed_at > AT:
        return False
    if "days" in window:
        return now - then <= timedelta(days=window["days"])
    names: dict[str, tuple[object, object]] = {
        "day": (then.date(), now.date()),
        "week": (then.isocalendar()[:2], now.isocalendar()[:2]),
        "month": ((then.year, then.month), (now.year, now.month)),
        "quarter": ((then.year, (then.month - 1) // 3), (now.year, (now.month - 1) // 3)),
        "year": (then.year, now.year),
    }
    one, other = names.get(window.get("calendar", ""), (0, 0))
    return one == other


def counted(window: dict[str, Any], measure: str, categories: list[str] | None, history: list[PastOrder]) -> int | None:
    orders = spend = quantity = 0
    days: list[int] = []
    for past in history:
        lines = [item for item in past.lines if categories is None or item.category in categories]
        if not is_within(window, past) or (categories is not None and not lines):
            continue
        orders += 1
        spend += past.spend if categories is None else sum(item.amount for item in lines)
        quantity += sum(item.quantity for item in lines)
        zone = ZoneInfo(ZONE)
        days.append((AT.astimezone(zone).date() - past.placed_at.astimezone(zone).date()).days)
    last = min(days) if days else None
    return {"orders": orders, "spend": spend, "quantity": quantity, "days_since_last": last}[measure]


@settings(max_examples=200, deadline=None)
@given(
    WINDOWS,
    st.sampled_from(["orders", "spend", "quantity", "days_since_last"]),
    st.sampled_from([None, ["coffee"], ["coffee", "tea"]]),
    PAST,
)
def test_the_past_is_measured_as_one_would_count_it(
    window: dict[str, Any], measure: str, categories: list[str] | None, history: list[PastOrder]
) -> None:
    written: dict[str, Any] = {"history": window, measure: {"at_least": 0}}
    if categories is not None:
        written["lines"] = {"category": categories}
    asked = condition(written)
    assert isinstance(asked, HistoryComparison)
    view = view_of(order(line(), placed_at=AT), member(), history=tuple(history), zone=ZONE)
    assert compile_history(asked, VOCABULARY)(view) == counted(window, measure, categories, history)
