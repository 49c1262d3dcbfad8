"""Rolling windows: they end with every moment, and matter at those at which something counted."""

from collections.abc import Sequence
from datetime import datetime

from loyalty_engine.core.tiers.metrics import Sums
from loyalty_engine.core.tiers.windows import Window


def roll(window: Window, sums: Sums, happened_at: datetime, now: datetime) -> Sequence[tuple[datetime, int]]:
    """Return how much there is in the windows to which something counts that ``happened_at`` that time, and when they end.

    That is ``now``, later where clocks that are ahead have dated something so, and, if it is heard of when some of what
    was with it in a window is over, each moment since at which something counted.
    """
    moments = sorted({happened_at, *sums.moments})
    ends = [now, *(moment for moment in moments if moment > now)]
    first, last = _start(window, happened_at), _start(window, now)
    if any(first <= moment < last for moment in moments):
        ends += [moment for moment in moments if happened_at <= moment < now]
    starts = [(end, _start(window, end)) for end in ends]
    return [(end, sums.between(start, end)) for end, start in starts if end == now or start <= happened_at <= end]


def _start(window: Window, end: datetime) -> datetime:
    start = window.around(end, None).start
    assert start is not None
    return start
