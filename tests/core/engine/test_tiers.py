"""Tiers over revisions, in facts that are asked for, and as members see them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes
from loyalty_engine.core.engine.due import settle_due
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_entitlements, show_tiers
from loyalty_engine.core.engine.tier_reviews import adopt_ladders
from loyalty_engine.core.engine.views import see_tiers
from loyalty_engine.core.memberships.membership import Membership
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.tiers.lookback import Lookback
from loyalty_engine.core.tiers.standings import How, MemberTier
from tests.core.engine_cases import CARD, MEMBER, NOW, accept, after, call, line, lot, member, place, redeem, ruleset_of

YEAR: Final = {"kind": "calendar", "unit": "year"}
STATUS: Final[dict[str, Any]] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": YEAR,
    "lasts": {"kind": "window", "more": 1},
    "tiers": [
        {"key": "silver", "at_least": 200},
        {"key": "gold", "at_least": 500},
        {"key": "platinum", "at_least": 900},
    ],
}
MIDNIGHT: Final = datetime(2026, 12, 31, 23, tzinfo=UTC)
PLATINUM: Final = MemberTier("platinum", NOW, MIDNIGHT, MIDNIGHT, below=("silver", "gold"))


def with_tiers(*sets: dict[str, Any], revision: int = 3) -> Ruleset:
    return ruleset_of(revision=revision, tier_sets=list(sets))


def adopt(rules: Ruleset, someone: MemberState) -> Changes | None:
    return adopt_ladders(rules, someone, call(), operation_id=call().operation_id, now=NOW)


def tiers_of(*keys: str) -> dict[str, Any]:
    return {**STATUS, "tiers": [tier for tier in STATUS["tiers"] if tier["key"] in keys]}


@pytest.mark.parametrize(
    ("left", "tier", "level"),
    [
        (("silver", "gold", "platinum"), "platinum", 3),
        (("silver", "gold"), "gold", 2),
        (("gold",), "gold", 1),
        (("silver",), "silver", 1),
        (("platinum",), "platinum", 1),
    ],
)
def test_a_tier_that_is_gone_leads_to_the_next_lower_one(left: tuple[str, ...], tier: str, level: int) -> None:
    seen = see_tiers(with_tiers(tiers_of(*left)), {"status": PLATINUM})
    assert (seen.tiers, seen.levels) == ({"status": tier}, {"status": level})


def test_with_all_tiers_gone_below_it_a_member_is_below_all() -> None:
    silver = MemberTier("silver", NOW, MIDNIGHT, MIDNIGHT)
    assert see_tiers(with_tiers(tiers_of("gold")), {"status": silver}).levels == {"status": 0}


def test_a_tier_of_a_set_that_is_gone_is_over_once_it_runs_out() -> None:
    someone = member(100, tiers={"status": PLATINUM}, due_at=MIDNIGHT, sees_lots=True)
    decision = decide(ruleset_of(), Facts(member=someone), redeem(50), MIDNIGHT)
    assert isinstance(decision, Accepted)
    [review] = decision.before
    assert (review.operation.kind, review.operation.effective_at) == ("tier_review", MIDNIGHT)
    assert after(decision.changes).tiers == {"status": MemberTier(None, MIDNIGHT)}


def test_a_review_is_an_operation_of_its_own_before_what_was_asked() -> None:
    history = (PastOrder(NOW - timedelta(days=1), 600),)
    someone = member(100, tiers={"status": PLATINUM}, history=history, due_at=MIDNIGHT, sees_lots=True)
    decision = decide(with_tiers(STATUS), Facts(member=someone), redeem(50), MIDNIGHT + timedelta(days=3))
    assert isinstance(decision, Accepted)
    [review] = decision.before
    assert review.operation.call.key is None
    assert review.operation.booked_at == MIDNIGHT + timedelta(days=3)
    assert review.answer["tiers"] == [
        {
            "set": "status",
            "tier": "gold",
            "from": "platinum",
            "since": "2026-12-31T23:00:00Z",
            "until": "2028-12-31T23:00:00Z",
        }
    ]
    assert review.member is not None
    assert (review.member.expected_version, review.member.after.version) == (4, 5)
    assert after(decision.changes).version == 6
    assert after(decision.changes).due_at == datetime(2028, 12, 31, 23, tzinfo=UTC)


def test_what_time_does_to_points_leaves_the_review_due() -> None:
    waiting = replace(lot(5), available_at=NOW + timedelta(days=1), earned_at=NOW)
    pending = {"points": Balance(pending=5)}
    someone = member(
        lots=False, balances=pending, tiers={"status": PLATINUM}, due_at=waiting.available_at, sees_lots=True
    )
    someone = replace(someone, lots=(waiting,))
    now = NOW + timedelta(days=2)
    passed = settle_due(with_tiers(STATUS), someone, call(), operation_id=call().operation_id, now=now)
    assert passed is not None
    assert after(passed).balances["points"].available == 5
    assert after(passed).due_at == MIDNIGHT


def test_a_longer_grace_puts_off_a_review_that_was_due() -> None:
    someone = member(100, tiers={"status": PLATINUM}, due_at=MIDNIGHT, sees_lots=True)
    rules = with_tiers({**STATUS, "grace": {"days": 30}})
    decision = decide(rules, Facts(member=someone), redeem(50), MIDNIGHT)
    assert isinstance(decision, Accepted)
    held = after(decision.changes).tiers["status"]
    assert (held.tier, held.until, held.ends_at) == ("platinum", MIDNIGHT, datetime(2027, 1, 30, 23, tzinfo=UTC))


def test_published_ladders_move_members_up_at_once_and_down_only_when_their_tier_runs_out() -> None:
    bought = (PastOrder(NOW - timedelta(days=1), 600),)
    gold = MemberTier("gold", NOW, MIDNIGHT, MIDNIGHT, below=("silver",))
    higher = with_tiers({**STATUS, "tiers": [{"key": "silver", "at_least": 700}, {"key": "gold", "at_least": 800}]})
    lower = with_tiers({**STATUS, "tiers": [{"key": "silver", "at_least": 200}, {"key": "platinum", "at_least": 600}]})

    assert adopt(higher, member(history=bought, tiers={"status": gold})) is None
    moved = adopt(lower, member(history=bought, tiers={"status": gold}))
    assert moved is not None
    assert [(move["from"], move["tier"]) for move in moved.answer["tiers"]] == [("silver", "platinum")]
    assert after(moved).due_at == datetime(2027, 12, 31, 23, tzinfo=UTC)
    assert adopt(lower, after(moved)) is None


def test_published_ladders_do_not_prolong_what_is_there() -> None:
    bought = (PastOrder(NOW - timedelta(days=1), 600),)
    gold = MemberTier("gold", NOW, MIDNIGHT, MIDNIGHT, below=("silver",))
    assert adopt(with_tiers(STATUS), member(history=bought, tiers={"status": gold})) is None


def test_a_new_tier_below_moves_nobody_above_it() -> None:
    bought = (PastOrder(NOW - timedelta(days=1), 600),)
    silver = MemberTier("silver", NOW, MIDNIGHT, MIDNIGHT)
    gold = MemberTier("gold", NOW, MIDNIGHT, MIDNIGHT, below=("silver",), before=silver)
    longer = with_tiers({**STATUS, "tiers": [{"key": "bronze", "at_least": 100}, *STATUS["tiers"]]})
    assert adopt(longer, member(history=bought, tiers={"status": gold})) is None


def test_who_was_given_a_tier_that_is_gone_is_not_held_down() -> None:
    given = MemberTier("silver", NOW, how="granted")
    changes = accept(
        place(line(600)), Facts(member=member(tiers={"status": given})), rules=with_tiers(tiers_of("gold"))
    )
    assert after(changes).tiers["status"].tier == "gold"


def test_with_its_set_a_tier_goes_as_soon_as_that_is_published() -> None:
    moved = adopt(ruleset_of(), member(tiers={"status": PLATINUM}))
    assert moved is not None
    assert after(moved).tiers == {"status": MemberTier(None, NOW)}
    assert adopt(ruleset_of(), after(moved)) is None


def test_a_late_order_leads_up_todays_ladder() -> None:
    then = with_tiers({**STATUS, "tiers": [{"key": "old", "at_least": 1}]}, revision=1)
    changes = accept(place(line(300)), Facts(member=member(), then=then), rules=with_tiers(STATUS))
    assert [move["tier"] for move in changes.answer["tiers"]] == ["silver"]


def test_who_enrols_with_its_first_order_climbs_with_it() -> None:
    changes = accept(place(line(300), by=CARD), Facts(), rules=with_tiers(STATUS))
    assert after(changes).tiers["status"].tier == "silver"
    assert [move.tier_set for move in changes.tiers] == ["status"]


def test_without_tier_sets_answers_say_nothing_of_tiers() -> None:
    assert "tiers" not in accept(place(line(300)), Facts(member=member()), rules=ruleset_of()).answer


@pytest.mark.parametrize(
    ("changes", "days", "with_lines"),
    [
        ({}, 367, False),
        ({"window": {"kind": "lifetime"}, "lasts": {"kind": "forever"}}, 0, False),
        (
            {
                "window": {"kind": "rolling", "length": {"days": 30}},
                "lasts": {"kind": "forever"},
                "tiers": [{"key": "a", "when": {"history": {"days": 60}, "lines": {}, "quantity": {"at_least": "1"}}}],
            },
            61,
            True,
        ),
        ({"tiers": [{"key": "a", "when": {"history": {}, "orders": {"at_least": 1}}}]}, None, False),
        ({"metric": {"kind": "quantity"}}, 367, True),
        ({"metric": {"kind": "activities", "activity": "own_cup"}}, 0, False),
    ],
)
def test_orders_are_asked_for_as_far_back_as_windows_reach(
    changes: dict[str, Any], days: int | None, with_lines: bool
) -> None:
    rules = with_tiers({**STATUS, **changes})
    assert rules.lookback == Lookback(days, with_lines)
    assert rules.history_range(NOW) is None


def test_earned_points_are_asked_for_by_wallet() -> None:
    sets = [
        {**STATUS, "metric": {"kind": "points_earned", "wallet": "points"}},
        {
            **STATUS,
            "key": "stars",
            "metric": {"kind": "points_earned", "wallet": "stamps"},
            "window": {"kind": "lifetime"},
        }
        | {"lasts": {"kind": "forever"}},
    ]
    assert with_tiers(*sets).lookback == Lookback(earned=(("points", 367), ("stamps", None)))


def test_nothing_is_asked_for_without_tier_sets() -> None:
    assert ruleset_of().lookback is None


def test_a_member_sees_where_it_is_and_what_comes_next() -> None:
    history = (PastOrder(NOW - timedelta(days=1), 640),)
    someone = member(tiers={"status": PLATINUM}, history=history)
    assert show_tiers(with_tiers(STATUS), someone, NOW) == [
        {
            "set": "status",
            "tier": "platinum",
            "how": "earned",
            "since": "2026-06-01T12:00:00Z",
            "until": "2026-12-31T23:00:00Z",
            "review_at": "2026-12-31T23:00:00Z",
            "projected": "gold",
            "progress": {"tier": None, "actual": 640, "needed": None, "missing": None},
            "entitlements": [],
        }
    ]


@pytest.mark.parametrize(
    ("held", "how"), [(MemberTier(None, NOW, how="granted"), "granted"), (MemberTier(None, NOW), None)]
)
def test_who_was_put_below_all_tiers_is_told_from_who_fell(held: MemberTier, how: How | None) -> None:
    """It does not rise, whatever it buys, and somebody has to be able to see why."""
    someone = member(tiers={"status": held}, history=(PastOrder(NOW - timedelta(days=1), 640),))
    place = show_tiers(with_tiers(STATUS), someone, NOW)[0]
    assert (place["tier"], place["how"]) == (None, how)


def test_what_a_plan_gives_is_seen_to_come_when_what_was_earned_ends() -> None:
    plan = {"key": "club", "price": 100, "term": {"years": 2}}
    tiers = [{"key": "silver", "at_least": 200, "plan": "club"}, {"key": "gold", "at_least": 500}]
    rules = ruleset_of(plans=[plan], tier_sets=[{**STATUS, "tiers": tiers}])
    gold = MemberTier("gold", NOW, MIDNIGHT, MIDNIGHT, below=("silver",))
    club = Membership(NOW, NOW + timedelta(days=730), NOW + timedelta(days=730), NOW)
    [shown] = show_tiers(rules, member(tiers={"status": gold}, plans={"club": club}), NOW)
    assert (shown["tier"], shown["projected"]) == ("gold", "silver")


def test_a_member_who_never_was_in_a_tier_sees_the_first() -> None:
    [shown] = show_tiers(with_tiers(STATUS), member(id=MEMBER), NOW)
    assert (shown["tier"], shown["since"], shown["projected"]) == (None, None, None)
    assert shown["progress"] == {"tier": "silver", "actual": 0, "needed": 200, "missing": 200}


@pytest.mark.parametrize(
    ("first", "second", "longest"), [(10, 20, "b"), (20, 10, "a"), (None, 10, "a"), (10, None, "b")]
)
def test_an_entitlement_is_told_by_what_gives_it_for_longest(
    first: int | None, second: int | None, longest: str
) -> None:
    gives = {"key": "silver", "at_least": 1, "privileges": {"entitlements": ["lounge"]}}
    rules = with_tiers(*({**STATUS, "key": key, "tiers": [gives]} for key in ("a", "b")))
    ends = {"a": first, "b": second}
    until = {key: None if days is None else NOW + timedelta(days=days) for key, days in ends.items()}
    tiers = {key: MemberTier("silver", NOW, end, end) for key, end in until.items()}
    [told] = show_entitlements(rules, member(100, tiers=tiers))
    assert (told["entitlement"], told["given_by"]) == ("lounge", f"tier/{longest}/silver")
