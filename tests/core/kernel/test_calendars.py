"""Calendar periods: where they start, what they are called, and that names sort as the periods do."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.calendars import CalendarPeriod, first_day_of, name_of, start_of
from loyalty_engine.core.kernel.instants import parse_instant

PERIODS = st.sampled_from(get_args(CalendarPeriod))
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Sao_Paulo", "Australia/Lord_Howe"])
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


@pytest.mark.parametrize(
    ("period", "day", "first", "name"),
    [
        ("day", date(2028, 2, 29), date(2028, 2, 29), "2028-02-29"),
        ("week", date(2026, 11, 22), date(2026, 11, 16), "2026-W47"),
        ("week", date(2027, 1, 3), date(2026, 12, 28), "2026-W53"),
        ("week", date(2027, 1, 4), date(2027, 1, 4), "2027-W01"),
        ("week", date(2024, 12, 31), date(2024, 12, 30), "2025-W01"),
        ("month", date(2026, 2, 28), date(2026, 2, 1), "2026-02"),
        ("quarter", date(2026, 3, 31), date(2026, 1, 1), "2026-Q1"),
        ("quarter", date(2026, 4, 1), date(2026, 4, 1), "2026-Q2"),
        ("quarter", date(2026, 12, 31), date(2026, 10, 1), "2026-Q4"),
        ("year", date(2026, 12, 31), date(2026, 1, 1), "2026"),
    ],
)
def test_a_period_has_a_first_day_and_a_name(period: CalendarPeriod, day: date, first: date, name: str) -> None:
    assert (first_day_of(period, day), name_of(period, day)) == (first, name)


@pytest.mark.parametrize(
    ("period", "zone", "instant", "start"),
    [
        ("day", "Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
        ("year", "Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
        ("day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z"),
        ("month", "Europe/Berlin", "2026-03-31T12:00:00Z", "2026-02-28T23:00:00Z"),
        ("day", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z"),
        ("week", "UTC", "2026-11-22T23:59:59.999999Z", "2026-11-16T00:00:00Z"),
    ],
)
def test_a_period_starts_in_its_zone(period: CalendarPeriod, zone: str, instant: str, start: str) -> None:
    assert start_of(period, parse_instant(instant), ZoneInfo(zone)) == parse_instant(start)


@given(PERIODS, INSTANTS, ZONES)
def test_an_instant_lies_in_the_period_that_starts_before_it(
    period: CalendarPeriod, instant: datetime, zone: str
) -> None:
    found = ZoneInfo(zone)
    start = start_of(period, instant, found)
    assert start <= instant
    assert start_of(period, start, found) == start
    named = name_of(period, instant.astimezone(found).date())
    assert name_of(period, start.astimezone(found).date()) == named
    before = (start - timedelta(microseconds=1)).astimezone(found).date()
    assert name_of(period, before) < named


@given(PERIODS, DAYS, DAYS)
def test_names_sort_as_the_periods_do(period: CalendarPeriod, one: date, other: date) -> None:
    firsts = [first_day_of(period, day) for day in (one, other)]
    names = [name_of(period, day) for day in (one, other)]
    assert (names[0] < names[1]) == (firsts[0] < firsts[1])
    assert (names[0] == names[1]) == (firsts[0] == firsts[1])
