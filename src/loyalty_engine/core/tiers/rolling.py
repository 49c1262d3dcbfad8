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
    then, today = window.around(happened_at, None), window.around(now, None)
    assert then.start is not None
    assert today.start is not None
    if any(then.start <= moment < today.start for moment in moments):
        ends += [moment for moment in moments if happened_at <= moment < now]
    spans = [(end, window.around(end, None)) for end in ends]
    return [(end, sums.within(span, end)) for end, span in spans if end == now or span.holds(happened_at)]
