"""Counters of activities that tier sets count: they stand in the member's row, one for each period of the calendar.

Sets that count the same share them. Who counts first begins at 0: what happened before is not looked up.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from loyalty_engine.core.kernel.calendars import name_of
from loyalty_engine.core.program.tiers import Activities, Calendar
from loyalty_engine.core.rules.order import Scalar
from loyalty_engine.core.tiers.windows import Window

_MOST_PERIODS: Final = 40
"""How many periods are kept: a tier that ran out is reviewed by the one in which it did, however late that is."""


def counter_of(metric: Activities, window: Window, at: datetime) -> str:
    """Return the name of the counter for the period in which a moment lies; names of one metric sort as periods do."""
    prefix = f"tier/{metric.activity}/{metric.sum_of or ''}"
    if not isinstance(window.written, Calendar):
        return f"{prefix}/lifetime/"
    unit = window.written.unit
    # In the plural it is not one of those of limits, which are forgotten sooner.
    return f"{prefix}/{unit}s/{name_of(unit, at.astimezone(window.zone).date())}"


def amount_of(metric: Activities, attributes: Mapping[str, Scalar]) -> int:
    """Return for how much one activity of the kind counts."""
    if metric.sum_of is None:
        return 1
    told = attributes.get(metric.sum_of, 0)
    return told if isinstance(told, int) else 0


def add(counters: Mapping[str, int], counted: Mapping[str, int]) -> dict[str, int]:
    """Return a member's counters with what is ``counted``, of each kind only those of the newest periods."""
    after = {**counters, **{name: counters.get(name, 0) + amount for name, amount in counted.items()}}
    for prefix in {name.rpartition("/")[0] for name in counted}:
        kept = sorted(name for name in after if name.startswith(f"{prefix}/"))
        for name in kept[:-_MOST_PERIODS]:
            del after[name]
    return after


def take_back(counters: Mapping[str, int], counted: Mapping[str, int]) -> dict[str, int]:
    """Return a member's counters without what was ``counted``; of what is forgotten nothing is taken."""
    return {**counters, **{name: counters[name] - amount for name, amount in counted.items() if name in counters}}
