"""The clock of a sandbox moves on, in the program's calendar, and never back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, RefusalError
from loyalty_engine.core.program.clock import move_on

REAL = datetime(2026, 11, 21, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
AHEAD = timedelta(days=10)
WINTER = datetime(2027, 3, 27, 11, tzinfo=UTC)

REFUSED = [
    (None, Period(1, "days"), RefusalCode.NOT_A_SANDBOX, "", {}),
    (
        AHEAD,
        REAL + AHEAD - timedelta(microseconds=1),
        RefusalCode.CLOCK_BACKWARDS,
        "/to",
        {"now": "2026-12-01T12:00:00Z"},
    ),
    (AHEAD, Period(100, "years"), RefusalCode.CLOCK_TOO_FAR, "/forward", {"latest": "2126-11-22T12:00:00Z"}),
    (AHEAD, datetime(2200, 1, 1, tzinfo=UTC), RefusalCode.CLOCK_TOO_FAR, "/to", {"latest": "2126-11-22T12:00:00Z"}),
]


@pytest.mark.parametrize(
    ("ahead", "to", "shown"),
    [
        (timedelta(), Period(3, "months"), datetime(2027, 2, 21, 12, tzinfo=UTC)),
        (AHEAD, Period(1, "days"), datetime(2026, 12, 2, 12, tzinfo=UTC)),
        (WINTER - REAL, Period(1, "days"), datetime(2027, 3, 28, 10, tzinfo=UTC)),  # 23 hours
        (AHEAD, REAL + AHEAD, REAL + AHEAD),
        (timedelta(), datetime(2031, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)),
    ],
)
def test_it_shows_what_was_asked_for(ahead: timedelta, to: datetime | Period, shown: datetime) -> None:
    assert REAL + move_on(ahead, REAL, to, BERLIN) == shown


@pytest.mark.parametrize(("ahead", "to", "code", "pointer", "details"), REFUSED)
def test_it_refuses_and_says_why(
    ahead: timedelta | None, to: datetime | Period, code: RefusalCode, pointer: str, details: dict[str, str]
) -> None:
    with pytest.raises(RefusalError) as refused:
        move_on(ahead, REAL, to, BERLIN)

    assert refused.value.refusal == Refusal(code, pointer, details)
