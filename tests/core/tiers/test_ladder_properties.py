"""Properties of ladders: whatever they look like and however much somebody has."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.program.tiers import TierSet
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.metrics import Moved
from loyalty_engine.core.tiers.standings import Standing
from loyalty_engine.core.tiers.windows import Window

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
ZONE: Final = ZoneInfo("Europe/Berlin")

LENGTHS: Final = st.sampled_from([{"days": 20}, {"weeks": 9}, {"months": 3}, {"years": 1}])
ENDING: Final[st.SearchStrategy[dict[str, Any]]] = st.sampled_from(["month", "quarter", "year"]).map(
    lambda unit: {"kind": "calendar", "unit": unit}
)
WINDOWS: Final[st.SearchStrategy[dict[str, Any]]] = (
    ENDING | st.just({"kind": "membership_year"}) | LENGTHS.map(lambda length: {"kind": "rolling", "length": length})
)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    window: dict[str, Any] = draw(WINDOWS | st.just({"kind": "lifetime"}))
    lasts: st.SearchStrategy[dict[str, Any]] = LENGTHS.map(lambda length: {"kind": "length", "length": length})
    if window["kind"] in {"calendar", "membership_year"}:
        lasts |= st.integers(0, 2).map(lambda more: {"kind": "window", "more": more})
    thresholds = sorted(draw(st.sets(st.integers(0, 1000), min_size=1, max_size=5)))
    written = TierSet.model_validate(
        {
            "key": "status",
            "metric": {"kind": draw(st.sampled_from(["spend", "orders"]))},
            "window": window,
            "tiers": [{"key": f"t{n}", "at_least": least} for n, least in enumerate(thresholds)],
            "lasts": draw(lasts),
            "downgrade": draw(st.sampled_from(["to_level", "one_level", "never"])),
            "grace": draw(st.none() | st.just({"days": 10})),
        }
    )
    return Ladder.of(written, Window(written.window, ZONE))


class Somebody:
    """A member with what it bought: so much on which day."""

    def __init__(self, bought: Sequence[tuple[int, int]]) -> None:
        self.history = tuple(PastOrder(FIRST + day * DAY, amount) for day, amount in bought)
        self.orders = len(bought)
        self.spend = sum(amount for _, amount in bought)
        self.enrolled_at = FIRST
        self.earned: dict[str, Moved] = {}
        self.counters: dict[str, int] = {}


BOUGHT: Final = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 600)), max_size=12)
DAYS: Final = st.integers(0, 1500)


@st.composite
def standings(draw: st.DrawFn, ladder: Ladder) -> Standing:
    rank, since = draw(st.integers(1, len(ladder.tiers))), FIRST + draw(st.integers(0, 300)) * DAY
    found = ladder.rise(None, rank, since, enrolled_at=FIRST)
    return found or Standing(rank, since, since + 30 * DAY, "granted")


@given(ladders(), st.integers(0, 1200), st.integers(0, 1200))
def test_more_of_the_metric_never_leads_lower(ladder: Ladder, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert ladder.rank_for(less) <= ladder.rank_for(more)


@given(ladders(), BOUGHT, st.integers(1, 600), DAYS, DAYS)
def test_buying_more_never_leads_lower(
    ladder: Ladder, bought: list[tuple[int, int]], more: int, when: int, now: int
) -> None:
    at = FIRST + now * DAY
    counted, with_more = (ladder.now(Somebody(each))(at) for each in (bought, [*bought, (when, more)]))
    assert ladder.rank_for(counted) <= ladder.rank_for(with_more)


@given(st.data(), ladders(), BOUGHT, DAYS)
def test_who_was_reviewed_is_where_it_is(
    data: st.DataObject, ladder: Ladder, bought: list[tuple[int, int]], now: int
) -> None:
    standing, reached, at = data.draw(standings(ladder)), ladder.then(Somebody(bought)), FIRST + now * DAY
    reviewed = [standing, *ladder.review(standing, reached, at, enrolled_at=FIRST)][-1]
    assert not ladder.has_ended(reviewed, at)
    assert ladder.review(reviewed, reached, at, enrolled_at=FIRST) == []


@given(st.data(), ladders(), BOUGHT, st.lists(DAYS, min_size=1, max_size=8))
def test_reviewed_late_is_reviewed_at_each_end(
    data: st.DataObject,
    ladder: Ladder,
    bought: list[tuple[int, int]],
    days: list[int],
) -> None:
    standing, reached = data.draw(standings(ladder)), ladder.then(Somebody(bought))
    eager = standing
    for day in sorted(days):
        eager = [eager, *ladder.review(eager, reached, FIRST + day * DAY, enrolled_at=FIRST)][-1]
    late = [standing, *ladder.review(standing, reached, FIRST + max(days) * DAY, enrolled_at=FIRST)][-1]
    assert eager == late


@given(st.data(), ladders())
def test_a_kept_standing_is_read_as_it_was(data: st.DataObject, ladder: Ladder) -> None:
    standing = data.draw(standings(ladder))
    assert ladder.read(ladder.keep(standing)) == standing


@given(st.data(), ladders(), BOUGHT, st.integers(0, 600), DAYS)
def test_goods_that_come_back_never_lead_higher(
    data: st.DataObject,
    ladder: Ladder,
    bought: list[tuple[int, int]],
    bought_on: int,
    now: int,
) -> None:
    standing, at = data.draw(standings(ladder)), FIRST + now * DAY
    bought_at = FIRST + bought_on * DAY
    lowered = ladder.lower(standing, ladder.through(Somebody(bought)), at, bought_at=bought_at, enrolled_at=FIRST)
    assert lowered.rank <= standing.rank
