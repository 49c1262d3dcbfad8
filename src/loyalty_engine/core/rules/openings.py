"""When rules are open: windows and hours of the week, compiled for a program's zone."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from loyalty_engine.core.kernel.instants import at_wall_time
from loyalty_engine.core.program.windows import WEEKDAYS, Hours, Window, parse_moment

Opening = Callable[[datetime, datetime], bool]
"""Tells whether a rule is open at an instant, given also as wall time of the program's zone."""

_MIDNIGHT: Final = 24 * 60
_MINUTES: Final = 7 * _MIDNIGHT
"""Minutes of a week, counted from Monday."""


def compile_opening(window: Window | None, schedule: Sequence[Hours] | None, zone: tzinfo) -> Opening | None:
    """Return when a rule is open; None when it always is."""
    if window is None:
        return None if schedule is None else _scheduled(schedule)
    starts_at, ends_at = _instant(window.starts_at, zone), _instant(window.ends_at, zone)
    hours = None if schedule is None else _scheduled(schedule)

    def is_open(at: datetime, local: datetime) -> bool:
        if (starts_at is not None and at < starts_at) or (ends_at is not None and at >= ends_at):
            return False
        return hours is None or hours(at, local)

    return is_open


def _instant(moment: str | None, zone: tzinfo) -> datetime | None:
    return None if moment is None else at_wall_time(parse_moment(moment), zone)


def _scheduled(schedule: Sequence[Hours]) -> Opening:
    """Hours are spans of minutes of the week; one that runs past Sunday's midnight goes on at Monday's start."""
    spans: list[tuple[int, int]] = []
    for hours in schedule:
        for day in hours.weekdays:
            first = WEEKDAYS.index(day) * _MIDNIGHT + _minutes(hours.starts)
            length = _minutes(hours.ends) - _minutes(hours.starts)
            last = first + (length if length > 0 else length + _MIDNIGHT)
            spans.append((first, min(last, _MINUTES)))
            if last > _MINUTES:
                spans.append((0, last - _MINUTES))

    def is_open(_: datetime, local: datetime) -> bool:
        minute = local.weekday() * _MIDNIGHT + local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in spans)

    return is_open


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
