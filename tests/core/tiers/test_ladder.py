"""Ladders: where a member is, and until when."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine.core.program.tiers import TierSet
from loyalty_engine.core.tiers.ladder import Ladder, Progress
from loyalty_engine.core.tiers.standings import Standing
from loyalty_engine.core.tiers.windows import Span, Window

BERLIN: Final = ZoneInfo("Europe/Berlin")
YEAR: Final = {"kind": "calendar", "unit": "year"}
TO_END_OF_NEXT: Final = {"kind": "window", "more": 1}
JULY: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
END_OF_2026: Final = datetime(2026, 12, 31, 23, tzinfo=UTC)
END_OF_2027: Final = datetime(2027, 12, 31, 23, tzinfo=UTC)
LAST_OF_2027: Final = datetime(2027, 12, 31, 22, 59, 59, 999_999, tzinfo=UTC)
END_OF_2028: Final = datetime(2028, 12, 31, 23, tzinfo=UTC)


def ladder(**changes: object) -> Ladder:
    written = TierSet.model_validate(
        {
            "key": "status",
            "metric": {"kind": "spend"},
            "window": YEAR,
            "tiers": [
                {"key": "silver", "at_least": 200},
                {"key": "gold", "at_least": 500},
                {"key": "black"},
            ],
            "lasts": TO_END_OF_NEXT,
            **changes,
        }
    )
    return Ladder.of(written, Window(written.window, BERLIN))


@pytest.mark.parametrize(("amount", "rank"), [(0, 0), (199, 0), (200, 1), (499, 1), (500, 2), (10_000, 2)])
def test_the_metric_leads_to_the_highest_tier_that_it_reaches(amount: int, rank: int) -> None:
    assert ladder().rank_for(amount) == rank


def test_who_rises_keeps_the_tier_to_the_end_of_the_next_year() -> None:
    assert ladder().rise(None, 1, JULY, enrolled_at=None) == Standing(1, JULY, END_OF_2027)


def test_who_reaches_its_tier_again_keeps_it_longer() -> None:
    silver = Standing(1, JULY, END_OF_2027)
    again = datetime(2027, 3, 1, tzinfo=UTC)
    assert ladder().rise(silver, 1, again, enrolled_at=None) == Standing(
        1, JULY, END_OF_2028, before=silver, reached_at=again
    )


def test_who_reaches_its_tier_again_in_the_same_year_changes_nothing() -> None:
    assert ladder().rise(Standing(1, JULY, END_OF_2027), 1, JULY, enrolled_at=None) is None


def test_nobody_falls_by_what_is_bought() -> None:
    assert ladder().rise(Standing(2, JULY, END_OF_2027), 1, JULY, enrolled_at=None) is None


def test_a_tier_that_is_kept_for_good_is_never_reviewed() -> None:
    forever = ladder(lasts={"kind": "forever"})
    standing = forever.rise(None, 2, JULY, enrolled_at=None)
    assert standing == Standing(2, JULY, None)
    assert forever.ends_at(standing) is None


@pytest.mark.parametrize(
    ("downgrade", "reached", "rank", "reached_at"),
    [
        ("to_level", 0, 0, None),
        ("to_level", 300, 1, LAST_OF_2027),
        ("to_level", 500, 2, LAST_OF_2027),
        ("one_level", 0, 1, JULY),
        ("one_level", 600, 2, LAST_OF_2027),
        ("never", 0, 2, JULY),
    ],
)
def test_who_ran_out_goes_where_the_program_says(
    downgrade: str, reached: int, rank: int, reached_at: datetime | None
) -> None:
    gold = Standing(2, JULY, END_OF_2027)
    went = ladder(downgrade=downgrade).review(gold, lambda _: reached, END_OF_2027, enrolled_at=None)
    since = JULY if rank == 2 else END_OF_2027
    until = datetime(2029, 12, 31, 23, tzinfo=UTC) if rank else None
    assert went == [Standing(rank, since, until, reached_at=reached_at)]


def test_nothing_happens_a_moment_before_the_end() -> None:
    gold = Standing(2, JULY, END_OF_2027)
    assert ladder().review(gold, lambda _: 0, END_OF_2027.replace(minute=0, hour=22), enrolled_at=None) == []


def test_who_was_not_looked_at_for_years_went_down_one_by_one() -> None:
    yearly = ladder(downgrade="one_level", lasts={"kind": "length", "length": {"years": 1}})
    gold = Standing(2, JULY, datetime(2027, 7, 1, 12, tzinfo=UTC))
    went = yearly.review(gold, lambda _: 0, datetime(2030, 1, 1, tzinfo=UTC), enrolled_at=None)
    assert [(one.rank, one.since.year) for one in went] == [(1, 2027), (0, 2028)]


def test_grace_counts_what_is_bought_in_it() -> None:
    graceful = ladder(grace={"days": 30})
    gold = Standing(2, JULY, END_OF_2027)
    end_of_grace = datetime(2028, 1, 30, 23, tzinfo=UTC)
    assert graceful.ends_at(gold) == end_of_grace
    bought_in_it = {END_OF_2027: 100, end_of_grace: 520}
    assert graceful.review(gold, bought_in_it.__getitem__, end_of_grace, enrolled_at=None)[0].rank == 2


def lowered(
    standing: Standing, reached: int, bought_at: datetime = JULY, now: datetime = JULY, **changes: object
) -> Standing:
    return ladder(**changes).lower(standing, lambda _: reached, now, bought_at=bought_at, enrolled_at=None)


GOLD: Final = Standing(2, JULY, END_OF_2027, before=Standing(1, JULY, END_OF_2026))


def test_goods_that_come_back_take_the_tier_that_is_not_reached_without_them() -> None:
    assert lowered(GOLD, 500) == GOLD
    assert lowered(GOLD, 499) == Standing(1, JULY, END_OF_2026)
    assert lowered(GOLD, 199) == Standing(0, JULY)
    assert lowered(Standing(2, JULY, END_OF_2027), 200) == Standing(1, JULY, END_OF_2027)


def test_goods_of_another_year_took_no_part_in_the_tier() -> None:
    assert lowered(GOLD, 0, bought_at=datetime(2025, 12, 31, 22, 59, tzinfo=UTC)) == GOLD
    assert lowered(GOLD, 499, bought_at=datetime(2025, 12, 31, 23, tzinfo=UTC)) != GOLD


def test_what_the_member_had_before_does_not_come_back_once_it_is_over() -> None:
    later = datetime(2027, 2, 1, tzinfo=UTC)
    assert lowered(GOLD, 199, now=later) == Standing(0, later)


@pytest.mark.parametrize("how", ["granted", "condition"])
def test_only_what_was_earned_can_be_taken(how: Literal["granted", "condition"]) -> None:
    assert lowered(replace(GOLD, how=how), 0) == replace(GOLD, how=how)


def test_progress_tells_what_the_next_tier_needs() -> None:
    assert ladder().progress(Standing(1, JULY, END_OF_2027), 320) == Progress(320, 2, 500)
    assert ladder().progress(Standing(1, JULY, END_OF_2027), 320).missing == 180


def test_above_the_last_threshold_nothing_is_missing() -> None:
    assert ladder().progress(Standing(2, JULY, END_OF_2027), 900) == Progress(900)


def test_a_membership_year_goes_from_one_anniversary_to_the_next() -> None:
    leap_day = datetime(2024, 2, 28, 23, tzinfo=UTC)
    window = ladder(window={"kind": "membership_year"}).window
    third = Span(datetime(2027, 2, 27, 23, tzinfo=UTC), datetime(2028, 2, 28, 23, tzinfo=UTC))
    assert window.around(datetime(2027, 2, 27, 22, 59, tzinfo=UTC), leap_day).end == third.start
    assert window.around(datetime(2027, 2, 27, 23, tzinfo=UTC), leap_day) == third


def test_a_rolling_window_ends_now() -> None:
    window = ladder(window={"kind": "rolling", "length": {"months": 12}}).window
    assert window.around(JULY, None) == Span(datetime(2025, 7, 1, 12, tzinfo=UTC), JULY, is_rolling=True)
