"""Windows: over which time a metric counts, and when that time is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final, assert_never

from loyalty_engine.core.kernel.calendars import start_of
from loyalty_engine.core.kernel.instants import EPOCH, Period, PeriodUnit, end_of
from loyalty_engine.core.program.tiers import Calendar, Lifetime, MembershipYear, Rolling, TierWindow

_INSTANT: Final = timedelta.resolution
_MOST_DAYS: Final[dict[PeriodUnit, int]] = {"days": 1, "weeks": 7, "months": 31, "years": 366}


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` on, None: from the first day on, up to ``end``, None: it never ends.

    Half-open, unless it ``is_rolling``: then the end belongs to it, because it is now.
    """

    start: datetime | None
    end: datetime | None
    is_rolling: bool = False

    @property
    def is_all(self) -> bool:
        """Tell whether it has no ends."""
        return self.start is None and self.end is None

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to it."""
        if self.start is not None and moment < self.start:
            return False
        return self.end is None or moment < self.end or (self.is_rolling and moment == self.end)


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a tier set, in the program's zone."""

    written: TierWindow
    zone: tzinfo

    def around(self, at: datetime, enrolled_at: datetime | None) -> Span:
        """Return the span in which ``at`` lies, for a member who enrolled then; a rolling one ends with ``at``."""
        match self.written:
            case Lifetime():
                return Span(None, None)
            case Rolling(length=length):
                return Span(_before(at, length.period, self.zone), at, is_rolling=True)
            case Calendar(unit=unit):
                return Span(start_of(unit, at, self.zone), end_of(unit, at, self.zone))
            case MembershipYear():
                return self._membership_year(at, enrolled_at)
            case _:
                assert_never(self.written)

    def ending(self, at: datetime, enrolled_at: datetime | None) -> Span:
        """Return the span that ends ``at`` that moment, or in which the moment before lies."""
        return self.around(self.moment_ending(at), enrolled_at)

    def moment_ending(self, at: datetime) -> datetime:
        """Return a moment around which the span lies that ends ``at`` that moment, or in which the moment before lies."""
        return at if isinstance(self.written, Rolling | Lifetime) else at - _INSTANT

    @property
    def most_days(self) -> int | None:
        """How many days it lasts at most; None: for ever."""
        match self.written:
            case Lifetime():
                return None
            case Rolling(length=length):
                return length.period.count * _MOST_DAYS[length.period.unit] + 1
            case Calendar() | MembershipYear():
                return _MOST_DAYS["years"] + 1
            case _:
                assert_never(self.written)

    def _membership_year(self, at: datetime, enrolled_at: datetime | None) -> Span:
        """Return from which anniversary to which; the 29th of February is kept on the 28th where there is none."""
        first = enrolled_at if enrolled_at is not None and enrolled_at <= at else EPOCH
        years = max((at - first) // timedelta(days=366), 0)
        start = Period(years, "years").after(first, self.zone)
        while (end := Period(years + 1, "years").after(first, self.zone)) <= at:
            years, start = years + 1, end
        return Span(start, end)


def _before(at: datetime, period: Period, zone: tzinfo) -> datetime:
    return Period(-period.count, period.unit).after(at, zone)
