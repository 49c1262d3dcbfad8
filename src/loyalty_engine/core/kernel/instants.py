"""Points in time (aware ``datetime`` in UTC, whole microseconds) and calendar periods in a program's zone.

Intervals are half-open: a start belongs to them, an end does not.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST_YEAR: Final = "1900"
_LAST_YEAR: Final = "9998"

PeriodUnit = Literal["days", "weeks", "months", "years"]
CalendarUnit = Literal["month", "quarter", "year"]


def parse_instant(text: str) -> datetime:
    """Return the instant of an RFC 3339 text with an offset; raise ``ValueError`` for anything else.

    Years before 1900 and from 9999 on are refused: they are unset clocks, and the ends of the calendar are infinities to
    a database.
    """
    if _RFC3339.fullmatch(text) is None or not _is_plausible(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def parse_day(text: str) -> date:
    """Return the day of an ISO text such as ``2026-11-21``, between the same years; raise ``ValueError`` otherwise."""
    if _DAY.fullmatch(text) is None or not _is_plausible(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def show_instant(instant: datetime) -> str:
    """Return the one text form we answer with: UTC, ``Z``, microseconds only when there are some."""
    if instant.tzinfo is UTC:  # in half the time: the text of an offset is most of it, and every answer shows instants
        return f"{instant.date().isoformat()}T{instant.time().isoformat()}Z"
    return instant.isoformat().replace("+00:00", "Z")


def to_micros(instant: datetime) -> int:
    """Return whole microseconds since 1970, the form in which instants travel to and from the database."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant that lies so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar length such as 12 months. Days are calendar days of the zone, not 24 hours."""

    count: int
    unit: PeriodUnit

    def after(self, start: datetime, zone: tzinfo) -> datetime:
        """Return the instant one period after ``start`` at the same wall time in ``zone``.

        A day that the month lacks becomes its last day (31 January + 1 month = 28 or 29 February). A wall time
        that a clock change skips moves on by the gap; one that occurs twice keeps its first occurrence.
        """
        local = start.astimezone(zone)
        day = _shift_date(local.date(), self)
        return at_wall_time(datetime.combine(day, local.time()), zone)


def end_of(unit: CalendarUnit, instant: datetime, zone: tzinfo) -> datetime:
    """Return the first instant after the calendar unit in which ``instant`` lies, seen from ``zone``."""
    day = instant.astimezone(zone).date()
    match unit:
        case "month":
            months = 1
        case "quarter":
            months = 3 - (day.month - 1) % 3
        case "year":
            months = 13 - day.month
    first = _shift_date(day.replace(day=1), Period(months, "months"))
    return start_of_day(first, zone)


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a calendar day in ``zone``, also where midnight does not exist."""
    return at_wall_time(datetime.combine(day, time()), zone)


def at_wall_time(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant at which clocks in ``zone`` show ``wall``.

    A wall time that a clock change skips moves on by the gap; one that occurs twice keeps its first occurrence.
    """
    # Through UTC and back, a skipped one lands behind the gap by the gap's length.
    return wall.replace(fold=0, tzinfo=zone).astimezone(UTC)


def _is_plausible(text: str) -> bool:
    return _FIRST_YEAR <= text[:4] <= _LAST_YEAR


def _shift_date(day: date, period: Period) -> date:
    match period.unit:
        case "days":
            return day + timedelta(days=period.count)
        case "weeks":
            return day + timedelta(weeks=period.count)
        case "months":
            months = day.year * 12 + day.month - 1 + period.count
        case "years":
            months = (day.year + period.count) * 12 + day.month - 1
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
