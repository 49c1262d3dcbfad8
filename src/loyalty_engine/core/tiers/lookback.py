"""Lookback: how much of a member's past tier sets look at, so that no more of it is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from loyalty_engine.core.program.conditions import HistoryWindow
from loyalty_engine.core.program.tiers import Activities, Lifetime, PointsEarned, Quantity
from loyalty_engine.core.tiers.ladder import Ladder

Days = int | None
"""So many days before something that matters; None: everything before it, too."""

_CALENDAR: Final = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}


@dataclass(frozen=True, slots=True)
class Lookback:
    """What tier sets look at beside where the member is in them: orders of so many ``days``, 0: none, with lines or
    without, and what it earned in some wallets, each with its own days.

    What matters is always when a tier ran out, and when the order was placed, or reserved, that a request is about; and
    ``orders_at`` and ``earned_at``, where they are given. Everything since counts, too.
    """

    days: Days = 0
    with_lines: bool = False
    earned: tuple[tuple[str, Days], ...] = ()
    orders_at: datetime | None = None
    earned_at: datetime | None = None


def look_back(ladders: Iterable[Ladder]) -> Lookback | None:
    """Return what some ladders look at; None: there are none."""
    ladders = [*ladders]
    if not ladders:
        return None
    conditions = [each for ladder in ladders for each in ladder.history]
    days = [_days_of(window) for window, _ in conditions]
    earned: dict[str, Days] = {}
    for ladder in ladders:
        most = ladder.window.most_days
        if isinstance(ladder.metric, PointsEarned):
            earned[ladder.metric.wallet] = longer(earned.get(ladder.metric.wallet, 0), most)
        elif not isinstance(ladder.metric, Activities) and not isinstance(ladder.window.written, Lifetime):
            days.append(most)  # a lifetime takes the member's totals, activities what is counted in its row
    longest: Days = 0
    for each in days:
        longest = longer(longest, each)
    counts_goods = any(isinstance(ladder.metric, Quantity) for ladder in ladders)
    return Lookback(longest, counts_goods or any(asks for _, asks in conditions), tuple(earned.items()))


def _days_of(window: HistoryWindow) -> Days:
    if window.days is not None:
        return window.days + 1
    return None if window.calendar is None else _CALENDAR[window.calendar] + 1


def longer(one: Days, other: Days) -> Days:
    """Return the days that hold both."""
    return None if one is None or other is None else max(one, other)
