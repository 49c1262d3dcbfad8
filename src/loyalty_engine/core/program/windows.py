"""When a rule is open: a window of the calendar, and hours of the week inside it, all in the program's zone."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.core.kernel.instants import parse_day
from loyalty_engine.core.program.fields import Entry

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
"""In the order of ``date.weekday()``."""

MOMENT_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3]):[0-5][0-9])?$"
CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
CLOSING_PATTERN: Final = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)


def is_clock(text: str) -> bool:
    """Tell whether ``text`` is a time of day such as ``17:30``."""
    return re.fullmatch(CLOCK_PATTERN, text) is not None


def _check_moment(text: str) -> str:
    try:
        parse_moment(text)
    except ValueError as error:
        raise PydanticCustomError("out_of_range", "must be a day of the calendar between 1900 and 9998") from error
    return text


def parse_moment(text: str) -> datetime:
    """Return the wall time that ``2026-12-24`` (its first moment) or ``2026-12-24T18:00`` names."""
    day, _, clock = text.partition("T")
    return datetime.combine(parse_day(day), time.fromisoformat(clock) if clock else time())


Moment = Annotated[str, Field(pattern=MOMENT_PATTERN), AfterValidator(_check_moment)]
Clock = Annotated[str, Field(pattern=CLOCK_PATTERN)]
Closing = Annotated[str, Field(pattern=CLOSING_PATTERN)]


class Window(Entry):
    """From one moment up to another, each a wall time of the program's zone; one of them may be left open."""

    starts_at: Moment | None = Field(
        default=None, description="First moment: a day, or a day and a time.", examples=["2026-12-01"]
    )
    ends_at: Moment | None = Field(
        default=None,
        description="First moment that is too late: 2026-12-27 still includes all of the 26th.",
        examples=["2026-12-27"],
    )

    @property
    def is_empty(self) -> bool:
        """Whether no moment lies inside."""
        return self.starts_at is not None and self.ends_at is not None and not _is_before(self.starts_at, self.ends_at)

    def meets(self, schedule: Sequence["Hours"]) -> bool:
        """Tell whether any of the hours lie inside, at least in part; also those that run on from the day before."""
        if self.starts_at is None or self.ends_at is None:
            return True
        first, end = parse_moment(self.starts_at), parse_moment(self.ends_at)
        if end - first >= _WEEK:
            return True
        days = [first.date() + n * _DAY for n in range(-1, (end - first).days + 2)]
        spans = [hours.span_on(day) for day in days for hours in schedule if _weekday(day) in hours.weekdays]
        return any(opens < end and first < closes for opens, closes in spans)

    @model_validator(mode="after")
    def _has_a_bound(self) -> "Window":
        if self.starts_at is None and self.ends_at is None:
            raise PydanticCustomError("required", "needs starts_at, ends_at or both")
        return self


class Hours(Entry):
    """Hours of some weekdays. They may run past midnight; then they belong to the day on which they start."""

    weekdays: Annotated[tuple[Weekday, ...], Field(strict=False, min_length=1, max_length=7)] = Field(
        default=WEEKDAYS, description="Days on which the hours start; every day by default.", examples=[["friday"]]
    )
    starts: Clock = Field(default="00:00", description="First minute.", examples=["17:00"])
    ends: Closing = Field(
        default="24:00",
        description="First minute that is too late; at or before the start it is one of the next day.",
        examples=["19:00"],
    )

    def span_on(self, day: date) -> tuple[datetime, datetime]:
        """Return from when to when the hours of that day last, on the clock of the wall."""
        opens = datetime.combine(day, time.fromisoformat(self.starts))
        closes = datetime.combine(day, time()) + _length(self.ends)
        return opens, closes if opens < closes else closes + _DAY


def _is_before(left: str, right: str) -> bool:
    return parse_moment(left) < parse_moment(right)


def _weekday(day: date) -> Weekday:
    return WEEKDAYS[day.weekday()]


def _length(clock: str) -> timedelta:
    hours, _, minutes = clock.partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
