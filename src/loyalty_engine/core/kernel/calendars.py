"""Calendar periods as people count them: days, weeks from Monday, months, quarters and years of a program's zone."""

from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from loyalty_engine.core.kernel.instants import start_of_day

CalendarPeriod = Literal["day", "week", "month", "quarter", "year"]


def first_day_of(period: CalendarPeriod, day: date) -> date:
    """Return the first day of the period in which ``day`` lies."""
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, day.month - (day.month - 1) % 3, 1)
        case "year":
            return date(day.year, 1, 1)


def start_of(period: CalendarPeriod, instant: datetime, zone: tzinfo) -> datetime:
    """Return the first instant of the period in which ``instant`` lies, seen from ``zone``."""
    return start_of_day(first_day_of(period, instant.astimezone(zone).date()), zone)


def name_of(period: CalendarPeriod, day: date) -> str:
    """Return the name of the period in which ``day`` lies: 2026-11-22, 2026-W47, 2026-11, 2026-Q4, 2026.

    Names of one kind of period sort as the periods do. A week has the year of its Thursday, as ISO 8601 counts.
    """
    match period:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
        case "quarter":
            return f"{day.year:04}-Q{(day.month + 2) // 3}"
        case "year":
            return f"{day.year:04}"
