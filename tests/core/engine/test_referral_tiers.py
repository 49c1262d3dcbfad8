"""Referrals and tiers: points for friends lead both sides up a set that counts points, and down again with what comes back."""

from typing import Any, Final

import pytest
from hypothesis import given, settings

from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.engine.test_referral_properties import Story, happen, stories
from tests.core.engine_cases import NOW, ruleset_of
from tests.core.referral_town import DAY, FRIENDS, Life, Town, person

EARNED: Final[dict[str, Any]] = {
    "key": "status",
    "metric": {"kind": "points_earned", "wallet": "points"},
    "window": {"kind": "lifetime"},
    "tiers": [{"key": "silver", "at_least": 300}, {"key": "gold", "at_least": 900}],
}
YEARLY: Final = {**EARNED, "window": {"kind": "calendar", "unit": "year"}, "lasts": {"kind": "window", "more": 1}}
SIXTY_DAYS: Final = {"kind": "length", "length": {"days": 60}}
SPENT: Final[dict[str, Any]] = {
    "key": "spender",
    "metric": {"kind": "spend"},
    "window": {"kind": "lifetime"},
    "tiers": [{"key": "big", "at_least": 5000}],
}


def life_with(*tier_sets: dict[str, Any], **changes: Any) -> Life:  # noqa: ANN401 - fields of the programme
    """Return a town whose members climb."""
    life = Life.of(5)
    life.town.rulesets[3] = rules_with(*tier_sets, **changes)
    return life


def rules_with(*tier_sets: dict[str, Any], **changes: Any) -> Ruleset:  # noqa: ANN401 - fields of the programme
    return ruleset_of(referrals=[{**FRIENDS, **changes}], tier_sets=list(tier_sets), earning_rules=[])


def tier(town: Town, who: int, key: str = "status") -> str | None:
    held = town.members[person(who)].tiers.get(key)
    return None if held is None else held.tier


@pytest.mark.parametrize("tier_set", [EARNED, YEARLY])
def test_a_reward_leads_both_sides_up_and_its_end_leads_both_down(tier_set: dict[str, Any]) -> None:
    life = life_with(tier_set)
    for friend in (1, 2):
        life.register(friend)
    orders = [life.buy(friend, day=1) for friend in (1, 2)]
    assert (tier(life.town, 0), tier(life.town, 1)) == (None, None)
    life.pass_time(15)
    assert (tier(life.town, 0), tier(life.town, 1), tier(life.town, 2)) == ("gold", "silver", "silver")
    life.bring_back(orders[0], 400)
    assert (tier(life.town, 0), tier(life.town, 1), tier(life.town, 2)) == ("silver", None, "silver")
    life.bring_back(orders[1], 401)
    assert (tier(life.town, 0), tier(life.town, 2)) == (None, None)


def test_who_keeps_a_tier_whatever_comes_back_keeps_it_when_a_friend_counts_no_more() -> None:
    life = life_with({**EARNED, "returns": "keep"})
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    life.bring_back(order_id, 20)
    assert (tier(life.town, 0), tier(life.town, 1)) == ("silver", "silver")


def test_points_for_friends_lead_nobody_where_something_else_counts() -> None:
    life = life_with(EARNED, SPENT)
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(15)
    assert (tier(life.town, 0, "spender"), tier(life.town, 1, "spender")) == (None, "big")
    assert tier(life.town, 0) == "silver"


def test_the_answer_tells_the_friends_tiers_and_never_the_advocates() -> None:
    life = life_with(EARNED, qualifies={"kind": "order"})
    life.register(1)
    order_id = life.buy(1, day=2)
    answer = life.town.operations[order_id].answer
    assert [(one["tier"], one["from"]) for one in answer["tiers"]] == [("silver", None)]
    [reward] = [one for one in life.town.operations.values() if one.operation.kind == "referral_reward"]
    assert [move.member_id for move in reward.tiers] == [person(1), person(0)]
    assert len(reward.answer["tiers"]) == 1


def test_a_reward_that_brings_no_points_prolongs_nothing() -> None:
    lasting = {**EARNED, "window": {"kind": "rolling", "length": {"days": 300}}, "lasts": SIXTY_DAYS}
    life = life_with(lasting)
    for friend, day in ((1, 1), (2, 20)):
        life.pass_time(day)
        life.register(friend, day=day)
        life.buy(friend, day=day)
    code = {"rewards": [{"kind": "code", "pool": "welcome"}]}
    life.town.rulesets[3] = rules_with(lasting, friend=code, advocate={"ladder": [code]})
    life.pass_time(34)
    assert (life.state(1), life.state(2)) == ("rewarded", "qualified")
    assert life.town.members[person(0)].tiers["status"].until == NOW + 80 * DAY


LADDERS: Final = [
    {
        **EARNED,
        "tiers": [{"key": "silver", "at_least": 300}, {"key": "gold", "at_least": 500}],
        "window": {"kind": "rolling", "length": {"days": 20}},
        "lasts": {"kind": "length", "length": {"days": 7}},
    },
    SPENT,
]


@settings(deadline=None, max_examples=60)
@given(stories())
def test_what_is_written_of_both_is_what_is_there(story: Story) -> None:
    """The town compares after each operation what was made of the facts of both members with what is kept of them."""
    life = Life.of(3)
    life.town.rulesets[3] = rules_with(*LADDERS)
    if story.is_suspicious:
        life.see(0, device="x")
    life.register(1, device="x")
    for place, event in enumerate(story.events):
        if place in story.worker:
            life.pass_time(10 + 2 * place)
        assert isinstance(happen(life, event, 10 + 2 * place), Accepted)
    life.pass_time(60)
    for who in (0, 1):
        member = life.town.members[person(who)]
        total = sum(points for _, points in member.earned.get("points", ()))
        assert total == ((300 if who else 500) if story.counts else 0)
