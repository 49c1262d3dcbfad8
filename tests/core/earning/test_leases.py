"""Leases count like uses until they run out, wherever a clock stands."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.core.earning.leases import lease_of, with_leases
from loyalty_engine.core.earning.limits import drop_ended

NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
COUNTERS: Final = {
    "earning/a/times/lifetime/": 2,
    "reserved/20260601T120000Z/01920000000070008000000000000001/earning/a/times/lifetime/": 3,
    "reserved/20260601T121000Z/01920000000070008000000000000002/earning/a/times/lifetime/": 4,
    "reserved/20260601T121000Z/01920000000070008000000000000002/earning/b/points/day/2026-06-01": 50,
}


def test_a_lease_is_named_after_when_it_runs_out_in_universal_time() -> None:
    until = datetime(2026, 6, 1, 14, 10, tzinfo=ZoneInfo("Europe/Berlin"))

    name = lease_of("earning/a/times/lifetime/", until, UUID("01920000-0000-7000-8000-000000000002"))

    assert name == "reserved/20260601T121000Z/01920000000070008000000000000002/earning/a/times/lifetime/"


@pytest.mark.parametrize(
    ("now", "used", "points"),
    [
        (NOON - timedelta(microseconds=1), 9, 50),
        (NOON, 6, 50),
        (NOON + timedelta(minutes=10, microseconds=-1), 6, 50),
        (NOON + timedelta(minutes=10), 2, None),
    ],
)
def test_a_lease_counts_until_it_runs_out_and_no_moment_longer(now: datetime, used: int, points: int | None) -> None:
    for at in (now, now.astimezone(ZoneInfo("Pacific/Kiritimati"))):
        counted = with_leases(COUNTERS, at)

        assert counted["earning/a/times/lifetime/"] == used
        assert counted.get("earning/b/points/day/2026-06-01") == points
        assert not [name for name in counted if name.startswith("reserved/")]


def test_leases_that_ran_out_are_dropped_with_counters_of_ended_periods() -> None:
    kept = drop_ended({**COUNTERS, "earning/c/points/day/2026-01-01": 7}, NOON.astimezone(ZoneInfo("Europe/Berlin")))

    assert sorted(kept.values()) == [2, 4, 50]
