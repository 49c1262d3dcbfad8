"""Days as people in Berlin count them, and how long points of each wallet wait and last."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")


def days_after(at: datetime, days: int) -> datetime:
    """Return the same time of day so many calendar days later."""
    wall = at.astimezone(ZONE).replace(tzinfo=None, fold=0) + timedelta(days=days)
    return wall.replace(tzinfo=ZONE).astimezone(UTC)


def months_after(at: datetime, months: int) -> datetime:
    """Return the same time of day so many months later, on the last day of a month that is too short."""
    wall = at.astimezone(ZONE).replace(tzinfo=None, fold=0)
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = min(wall.day, monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day, tzinfo=ZONE).astimezone(UTC)


def start_of_month(at: datetime) -> datetime:
    """Return the midnight with which the month begins."""
    return _first(at).replace(tzinfo=ZONE).astimezone(UTC)


def end_of_month(at: datetime) -> datetime:
    """Return the midnight with which the month ends."""
    return (_first(at) + timedelta(days=32)).replace(day=1, tzinfo=ZONE).astimezone(UTC)


def _first(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)


@dataclass(frozen=True)
class Life:
    """How points of a wallet live: ``wait`` days until they can be spent (None: until confirmed), ``last`` days."""

    wait: int | None = 0
    last: int | None = None
    ends: Literal["then", "with the month", "slides"] = "then"

    def ready(self, earned: datetime) -> datetime | None:
        """Return when points earned then can be spent."""
        return None if self.wait is None else days_after(earned, self.wait)

    def dies(self, earned: datetime) -> datetime | None:
        """Return when points earned then expire by themselves."""
        if self.last is None or self.ends == "slides":
            return None
        after = days_after(earned, self.last)
        return end_of_month(after) if self.ends == "with the month" else after

    def slide(self, at: datetime) -> datetime | None:
        """Return when everything expires without another activity after ``at``."""
        return days_after(at, self.last or 0) if self.ends == "slides" else None
