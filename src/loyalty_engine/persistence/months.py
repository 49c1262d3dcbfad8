"""Months as ranges of ids: a UUIDv7 starts with its time, so everything that was made in a month lies together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

_MONTHS: Final = 12
_TIME_SHIFT: Final = 80
"""A UUIDv7 is 48 bits of milliseconds since 1970 and 80 other bits."""


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @property
    def next(self) -> "Month":
        """The month after this one."""
        return Month(self.year + self.number // _MONTHS, self.number % _MONTHS + 1)

    @property
    def first_id(self) -> UUID:
        """The lowest id that can be made in this month; every id of an earlier one is below it."""
        return first_id_of(date(self.year, self.number, 1))

    @property
    def suffix(self) -> str:
        """What follows a table's name in that of its partition for this month."""
        return f"{self.year:04}_{self.number:02}"


def first_id_of(day: date) -> UUID:
    """Return the lowest id that can be made on a day in UTC."""
    return first_id_at(datetime(day.year, day.month, day.day, tzinfo=UTC))


def first_id_at(moment: datetime) -> UUID:
    """Return the lowest id that can be made from a moment on, to the second."""
    return UUID(int=int(moment.timestamp()) * 1000 << _TIME_SHIFT)


def made_at(made_id: UUID) -> datetime:
    """Return when an id was made, to the millisecond."""
    return datetime.fromtimestamp((made_id.int >> _TIME_SHIFT) / 1000, UTC)


def month_of(moment: datetime) -> Month:
    """Return the month in which a moment lies."""
    utc = moment.astimezone(UTC)
    return Month(utc.year, utc.month)


def months_from(now: datetime, count: int) -> Iterator[Month]:
    """Yield the month of ``now`` and those after it, ``count`` in all."""
    month = month_of(now)
    for _ in range(count):
        yield month
        month = month.next
