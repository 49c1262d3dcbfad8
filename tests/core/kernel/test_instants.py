from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.instants import (
    CalendarUnit,
    Period,
    end_of,
    from_micros,
    parse_instant,
    show_instant,
    start_of_day,
    to_micros,
)

BERLIN = ZoneInfo("Europe/Berlin")
KIRITIMATI = ZoneInfo("Pacific/Kiritimati")
SANTIAGO = ZoneInfo("America/Santiago")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Santiago", "Australia/Lord_Howe"])
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


def at(text: str) -> datetime:
    return parse_instant(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00Z"),
        ("2026-01-15t10:00:00z", "2026-01-15T10:00:00Z"),
        ("2026-01-15T10:00:00+14:00", "2026-01-14T20:00:00Z"),
        ("2026-01-15T10:00:00-12:00", "2026-01-15T22:00:00Z"),
        ("2024-02-29T23:59:59.5-00:01", "2024-03-01T00:00:59.500000Z"),
        ("2026-01-15T10:00:00.123456+00:00", "2026-01-15T10:00:00.123456Z"),
    ],
)
def test_an_instant_is_read_with_its_offset_and_shown_in_utc(text: str, shown: str) -> None:
    assert show_instant(parse_instant(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-15",
        "2026-01-15T10:00:00",
        "2026-01-15 10:00:00Z",
        "2026-01-15T10:00Z",
        "2026-02-29T10:00:00Z",
        "2026-01-15T24:00:00Z",
        "2026-01-15T10:00:60Z",
        "2026-01-15T10:00:00.1234567Z",
        "2026-01-15T10:00:00+24:00",
        "2026-01-15T10:00:00+0100",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "2026-01-15T10:00:00Z\n",
        "٢٠٢٦-01-15T10:00:00Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is all that is said
        parse_instant(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_the_way_to_the_database(instant: datetime) -> None:
    assert from_micros(to_micros(instant)) == instant


@pytest.mark.parametrize(
    ("start", "period", "zone", "end"),
    [
        ("2026-01-31T10:00:00Z", Period(1, "months"), UTC, "2026-02-28T10:00:00Z"),
        ("2024-01-31T10:00:00Z", Period(1, "months"), UTC, "2024-02-29T10:00:00Z"),
        ("2024-02-29T10:00:00Z", Period(1, "years"), UTC, "2025-02-28T10:00:00Z"),
        ("2024-02-29T10:00:00Z", Period(4, "years"), UTC, "2028-02-29T10:00:00Z"),
        ("2026-11-30T10:00:00Z", Period(15, "months"), UTC, "2028-02-29T10:00:00Z"),
        ("2026-12-31T10:00:00Z", Period(2, "weeks"), UTC, "2027-01-14T10:00:00Z"),
        ("2026-01-15T10:00:00Z", Period(0, "days"), UTC, "2026-01-15T10:00:00Z"),
        # the clock goes forward on 29 March 2026 at 01:00 UTC: a day of 23 hours keeps the wall time
        ("2026-03-28T11:00:00Z", Period(1, "days"), BERLIN, "2026-03-29T10:00:00Z"),
        # 02:30 does not exist that day and becomes 03:30
        ("2026-03-28T01:30:00Z", Period(1, "days"), BERLIN, "2026-03-29T01:30:00Z"),
        # 02:30 happens twice on 25 October 2026 and the first one counts
        ("2026-10-24T00:30:00Z", Period(1, "days"), BERLIN, "2026-10-25T00:30:00Z"),
        # it is the 31st already where the day begins first
        ("2026-01-30T12:00:00Z", Period(1, "months"), KIRITIMATI, "2026-02-27T12:00:00Z"),
    ],
)
def test_a_period_ends_at_the_same_wall_time(start: str, period: Period, zone: ZoneInfo, end: str) -> None:
    assert period.after(at(start), zone) == at(end)


@pytest.mark.parametrize(
    ("unit", "instant", "zone", "end"),
    [
        ("month", "2024-02-29T23:59:59.999999Z", UTC, "2024-03-01T00:00:00Z"),
        ("month", "2024-03-01T00:00:00Z", UTC, "2024-04-01T00:00:00Z"),
        ("month", "2026-12-31T22:59:59Z", BERLIN, "2026-12-31T23:00:00Z"),
        ("month", "2026-12-31T23:00:00Z", BERLIN, "2027-01-31T23:00:00Z"),
        ("month", "2026-01-31T10:00:00Z", KIRITIMATI, "2026-02-28T10:00:00Z"),
        ("quarter", "2026-01-01T00:00:00Z", UTC, "2026-04-01T00:00:00Z"),
        ("quarter", "2026-05-31T12:00:00Z", UTC, "2026-07-01T00:00:00Z"),
        ("quarter", "2026-12-31T23:59:59Z", UTC, "2027-01-01T00:00:00Z"),
        ("year", "2026-01-01T00:00:00Z", UTC, "2027-01-01T00:00:00Z"),
        ("year", "2026-12-31T10:00:00Z", KIRITIMATI, "2027-12-31T10:00:00Z"),
    ],
)
def test_a_calendar_unit_ends_where_the_next_begins(unit: CalendarUnit, instant: str, zone: ZoneInfo, end: str) -> None:
    assert end_of(unit, at(instant), zone) == at(end)


def test_a_day_without_midnight_begins_when_it_begins() -> None:
    # in Chile the clock went from 23:59:59 on 7 September 2024 to 01:00
    assert start_of_day(date(2024, 9, 8), SANTIAGO) == at("2024-09-08T04:00:00Z")


@given(INSTANTS, st.integers(0, 40), st.sampled_from(["days", "weeks", "months", "years"]), ZONES)
def test_a_longer_period_never_ends_earlier(instant: datetime, count: int, unit: str, zone: str) -> None:
    shorter = Period(count, unit)  # type: ignore[arg-type]  # one of the units
    longer = Period(count + 1, unit)  # type: ignore[arg-type]  # one of the units
    assert shorter.after(instant, ZoneInfo(zone)) < longer.after(instant, ZoneInfo(zone))


@given(INSTANTS, st.sampled_from(["month", "quarter", "year"]), ZONES)
def test_units_follow_each_other_without_gaps(instant: datetime, unit: CalendarUnit, zone: str) -> None:
    end = end_of(unit, instant, ZoneInfo(zone))
    assert instant < end
    assert end_of(unit, end - timedelta(microseconds=1), ZoneInfo(zone)) == end
    assert end_of(unit, end, ZoneInfo(zone)) > end
