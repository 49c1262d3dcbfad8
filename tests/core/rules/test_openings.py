"""When rules are open, against the plainest reading of their hours: minute by minute through a week."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.program.windows import WEEKDAYS, Hours, Window
from loyalty_engine.core.rules.openings import Opening, compile_opening

MONDAY: Final = parse_instant("2026-10-19T00:00:00+02:00")
BERLIN: Final = ZoneInfo("Europe/Berlin")
WEEK: Final = [
    (at, at.astimezone(BERLIN)) for at in (MONDAY + timedelta(minutes=minute) for minute in range(8 * 24 * 60))
]
"""The minutes of eight days, among them the Sunday of twenty-five hours, with what clocks show."""

CLOCKS: Final = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
HOURS: Final = st.fixed_dictionaries(
    {},
    optional={
        "weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7),
        "starts": CLOCKS,
        "ends": CLOCKS | st.just("24:00"),
    },
)


def is_open_by_the_book(hours: dict[str, Any], local: datetime) -> bool:
    days, starts, ends = hours.get("weekdays", WEEKDAYS), hours.get("starts", "00:00"), hours.get("ends", "24:00")
    clock = f"{local.hour:02}:{local.minute:02}"
    today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
    if starts < ends:
        return today in days and starts <= clock < ends
    return (today in days and clock >= starts) or (yesterday in days and clock < ends)


def opening(window: Window | None, *hours: dict[str, Any]) -> Opening:
    schedule = [Hours.model_validate(each) for each in hours] or None
    found = compile_opening(window, schedule, BERLIN)
    assert found is not None
    return found


@settings(max_examples=15, deadline=None)
@given(st.lists(HOURS, min_size=1, max_size=3))
def test_hours_are_open_when_the_clock_says_so(hours: list[dict[str, Any]]) -> None:
    is_open = opening(None, *hours)
    for at, local in WEEK:
        assert is_open(at, local) == any(is_open_by_the_book(each, local) for each in hours), local


@settings(max_examples=15, deadline=None)
@given(HOURS, st.integers(0, len(WEEK) - 1), st.integers(0, len(WEEK) - 1))
def test_a_window_keeps_its_start_and_leaves_its_end_out(hours: dict[str, Any], first: int, last: int) -> None:
    starts, ends = ((MONDAY + timedelta(minutes=minute)).astimezone(BERLIN) for minute in (first, last))
    window = Window(starts_at=starts.strftime("%Y-%m-%dT%H:%M"), ends_at=ends.strftime("%Y-%m-%dT%H:%M"))
    is_open, scheduled = opening(window, hours), opening(None, hours)
    wall = [at.replace(tzinfo=BERLIN, fold=0) for at in (starts, ends)]
    for at, local in WEEK[::7]:
        inside = wall[0].timestamp() <= at.timestamp() < wall[1].timestamp()
        assert is_open(at, local) == (inside and scheduled(at, local)), local


def test_without_window_and_hours_a_rule_is_always_open() -> None:
    assert compile_opening(None, None, BERLIN) is None


def test_seconds_belong_to_their_minute() -> None:
    is_open = opening(None, {"starts": "17:00", "ends": "17:01"})
    last = parse_instant("2026-06-05T17:00:59.999999+02:00")
    assert is_open(last, last.astimezone(BERLIN))
    assert not is_open(last + timedelta(microseconds=1), (last + timedelta(microseconds=1)).astimezone(BERLIN))
