"""The clock of a sandbox: it ticks like any other, and is moved on to see what time does to a program."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from loyalty_engine.core.kernel.instants import Period, show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse

FARTHEST: Final = timedelta(days=36_525)
"""How far ahead of real time a clock may be: a hundred years."""


def move_on(ahead: timedelta | None, real: datetime, to: datetime | Period, zone: tzinfo) -> timedelta:
    """Return how far a clock will be ahead that was ``ahead`` of ``real`` time, once it shows ``to`` or so much later.

    None is a clock that is not moved: that of a program which is no sandbox. Never backwards, or what was booked would lie
    in the future.
    """
    if ahead is None:
        refuse(RefusalCode.NOT_A_SANDBOX)
    now = real + ahead
    wanted = to.after(now, zone) if isinstance(to, Period) else to
    if wanted < now:
        refuse(RefusalCode.CLOCK_BACKWARDS, "/to", now=show_instant(now))
    if wanted - real > FARTHEST:
        pointer = "/forward" if isinstance(to, Period) else "/to"
        refuse(RefusalCode.CLOCK_TOO_FAR, pointer, latest=show_instant(real + FARTHEST))
    return wanted - real
