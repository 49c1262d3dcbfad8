"""Properties of tiers in any life: whoever is looked at, and whenever, is where it belongs."""

from datetime import timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.requests import Adjust, GrantTier, MergeMembers, PlaceOrder, Request
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_tiers
from loyalty_engine.core.rules.order import ShopOrder
from loyalty_engine.core.tiers.standings import MemberTier
from tests.core.engine_cases import MEMBER, call, line, order, ruleset_of
from tests.core.lives import MEMBERS, PAUSES, PROGRAM, STEPS, Life, Step

LADDERS: Final[list[dict[str, Any]]] = [
    {
        "key": "monthly",
        "metric": {"kind": "spend"},
        "window": {"kind": "calendar", "unit": "month"},
        "lasts": {"kind": "window", "more": 1},
        "grace": {"days": 3},
        "downgrade": "one_level",
        "tiers": [
            {"key": "a", "at_least": 500, "privileges": {"multipliers": [{"wallet": "points", "factor": 2}]}},
            {"key": "b", "at_least": 2000, "privileges": {"discount": {"percent": "5%"}}},
            {"key": "c", "at_least": 5000},
        ],
    },
    {
        "key": "earned",
        "metric": {"kind": "points_earned", "wallet": "points"},
        "window": {"kind": "rolling", "length": {"days": 30}},
        "lasts": {"kind": "length", "length": {"days": 12}},
        "tiers": [{"key": "a", "at_least": 10}, {"key": "b", "at_least": 40}],
    },
    {
        "key": "often",
        "metric": {"kind": "orders"},
        "window": {"kind": "lifetime"},
        "returns": "keep",
        "tiers": [
            {"key": "a", "at_least": 0},
            {"key": "b", "at_least": 2},
            {"key": "c", "when": {"fact": "order.lines", "at_least": 3}},
        ],
    },
]
GRANTS: Final = st.tuples(
    st.just("grant"),
    st.integers(0, 2),
    st.sampled_from(["monthly", "earned", "often"]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from([None, 1, 10, 40]),
)
PROGRAMS: Final = st.sampled_from(["lower", "keep"]).map(
    lambda returns: ruleset_of(**PROGRAM, tier_sets=[{**LADDERS[0], "returns": returns}, *LADDERS[1:]])
)
LIVES: Final = st.lists(st.tuples(PAUSES, STEPS | STEPS | STEPS | GRANTS), min_size=1, max_size=20)

SHOPPING: Final = st.tuples(
    st.just("shop"),
    st.integers(0, 2),
    st.sampled_from([100, 300, 700, 1200, 3000]),
    st.sampled_from([timedelta(), timedelta(), timedelta(minutes=4), timedelta(days=-9), timedelta(days=-25)]),
)
JOINS: Final = st.tuples(st.just("join"), st.integers(0, 2), st.integers(0, 2))
SHORT_PAUSES: Final = st.sampled_from([timedelta(), timedelta(minutes=1), timedelta(days=1), timedelta(days=8)])
SHOPPERS: Final = st.lists(st.tuples(SHORT_PAUSES, SHOPPING | SHOPPING | JOINS), min_size=4, max_size=12)


class Climbing(Life):
    """Members who climb, also by hand."""

    def request_of(self, n: int, step: Step) -> Request | None:
        match step:
            case ("grant", who, tier_set, tier, days):
                until = None if days is None else self.now + timedelta(days=days)
                return GrantTier(call(n), MEMBERS[who], tier_set, tier, until, "why")
            case ("shop", who, amount, shift):
                bought = order(line(amount), reference=ShopOrder(str(n)), placed_at=self.now + shift)
                return PlaceOrder(call(n), MEMBERS[who], bought)
            case ("join", who, absorbed):
                return MergeMembers(call(n), MEMBERS[who], MEMBERS[absorbed], "same")
            case _:
                return super().request_of(n, step)

    def place(self, n: int, amount: int) -> None:
        """Let the first member buy for so much."""
        bought = order(line(amount), reference=ShopOrder(str(n)), placed_at=self.now)
        self.store.accept(PlaceOrder(call(n), MEMBER, bought), self.now)

    def standings(self) -> dict[Any, Any]:
        """Return where all are who have not become one with another."""
        return {key: member.tiers for key, member in self.store.members.items() if member.status != "merged"}


def look_at(life: Life, n: int) -> None:
    """Touch all members without doing them anything that counts for a tier."""
    for who, member_id in enumerate(MEMBERS):
        life.store.decide(Adjust(call(1000 + 10 * n + who), member_id, "stamps", 1, "look"), life.now)


@settings(deadline=None, max_examples=40)
@given(PROGRAMS, LIVES)
def test_the_ledger_adds_up_and_moves_follow_each_other(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    """The store checks after each operation, also that what is written is what is there."""
    life = Climbing(ruleset).live(steps)

    last: dict[tuple[Any, str], MemberTier] = {}
    for accepted in life.accepted:
        for part in accepted.parts:
            for move in part.tiers:
                assert move.before == last.get((move.member_id, move.tier_set))
                assert move.before != move.after
                last[move.member_id, move.tier_set] = move.after


@settings(deadline=None, max_examples=40)
@given(PROGRAMS, LIVES)
def test_a_review_leaves_nothing_to_review(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    life = Climbing(ruleset)
    life.live(steps)
    life.now += timedelta(days=25)
    look_at(life, 1)
    settled = life.standings()
    assert not [held for tiers in settled.values() for held in tiers.values() if _has_ended(held, life)]
    look_at(life, 2)
    assert life.standings() == settled


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3000) | st.none()), min_size=1, max_size=10), PROGRAMS)
def test_who_is_looked_at_in_between_is_where_it_is_without(
    bought: list[tuple[int, int | None]], ruleset: Ruleset
) -> None:
    watched, alone = Climbing(ruleset), Climbing(ruleset)
    for n, (pause, amount) in enumerate([*bought, (0, 1)], start=1):
        for life in (watched, alone):
            life.now += timedelta(days=pause)
            if amount is not None:
                life.place(n, amount)
        if amount is None:
            watched.store.decide(Adjust(call(1000 + n), MEMBER, "stamps", 1, "look"), watched.now)
    assert watched.store.members[MEMBER].tiers == alone.store.members[MEMBER].tiers


@settings(deadline=None, max_examples=100)
@given(PROGRAMS, SHOPPERS)
def test_nobody_waits_below_what_it_has_reached(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    """Clocks may be ahead, receipts late, and two turn out to be one."""
    life = Climbing(ruleset)
    life.live(steps)
    life.now += timedelta(minutes=5)
    look_at(life, 1)
    for member_id in life.standings():
        for place in show_tiers(ruleset, life.store.see(member_id), life.now):
            assert place["progress"]["missing"] != 0, place


def _has_ended(held: MemberTier, life: Life) -> bool:
    return held.ends_at is not None and held.ends_at <= life.now
