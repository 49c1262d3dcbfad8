"""Referrals, decided: how friends come to count, what both sides get, and what is taken back."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any, Final
from uuid import UUID

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Repeated
from loyalty_engine.core.engine.fold import apply, carry_on
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import (
    Adjust,
    ClaimOrder,
    ConfirmReservation,
    EditOrder,
    EvaluateOrder,
    Exchange,
    MergeMembers,
    Redeem,
    ReleaseReservation,
    ReserveOrder,
    ReverseOperation,
    SetStatus,
)
from loyalty_engine.core.engine.together import decide_together
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.promotions.pools import Candidate, KnownPool
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.codes import code_of
from loyalty_engine.core.referrals.state import Given
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.engine_cases import DOCUMENT, NOW, OTHER_CARD, line, ruleset_of
from tests.core.referral_town import DAY, FRIENDS, Life, person, refused

CUP: Final = {"kind": "activity", "activity": "own_cup", "within": {"days": 60}, "settles_after": {"days": 7}}
WELCOME: Final = {"rewards": [{"kind": "code", "pool": "welcome"}]}


POINTS: Final = {"kind": "points", "wallet": "points", "points": 100}
CLAMP: Final = {"returns": {"clawback": "clamp"}}


def off(amount: int) -> dict[str, Any]:
    return {"kind": "amount_off", "amount": amount}


def test_both_are_rewarded_once_the_order_has_stood_for_its_time() -> None:
    life = Life.of()
    assert life.register(1) == "registered"
    life.buy(1, day=1)
    life.pass_time(14.9)
    assert (life.points(1), life.points(0), life.state(1)) == (0, 0, "registered")
    life.pass_time(15)
    assert (life.points(1), life.points(0), life.state(1)) == (300, 500, "rewarded")
    life.pass_time(99)
    assert (life.points(1), life.points(0)) == (300, 500)


def test_both_change_in_one_operation_that_happened_when_the_order_had_settled() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(40)
    [changes] = [one for one in life.town.operations.values() if one.operation.kind == "referral_reward"]
    assert changes.operation.effective_at == NOW + 15 * DAY
    assert changes.operation.booked_at == NOW + 40 * DAY
    assert (changes.operation.member_id, changes.operation.other_member_id) == (person(1), person(0))
    assert changes.entries is not None
    assert changes.other_entries is not None
    assert {lot.earned_at for lot in (*changes.entries.lots, *changes.other_entries.lots)} == {NOW + 15 * DAY}
    assert changes.answer["state"] == "rewarded"
    assert changes.answer["rewards"] == [
        {"side": "friend", "kind": "points", "wallet": "points", "points": 300},
        {"side": "advocate", "kind": "points", "wallet": "points", "points": 500},
    ]


@pytest.mark.parametrize(
    ("amount", "bought", "placed", "counts"),
    [
        (3000, 1, 1, True),
        (2999, 1, 1, False),
        (3000, 59, 59, True),
        (3000, 60, 60, False),
        (3000, 70, 59, True),
        (3000, 1, -0.04, True),
        (3000, 1, -0.05, False),
    ],
)
def test_an_order_counts_by_its_amount_and_by_when_it_was_placed(
    amount: int, bought: float, placed: float, counts: bool
) -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, amount, bought, placed=placed)
    life.pass_time(100)
    assert life.state(1, 100) == ("rewarded" if counts else "rejected")
    assert life.points(1) == (300 if counts else 0)
    if not counts:
        assert life.reasons(1, 100) == ["not_in_time"]


def test_without_a_time_to_settle_both_are_rewarded_with_the_order() -> None:
    life = Life.of(qualifies={"kind": "order"})
    life.register(1)
    order_id = life.buy(1, 1, day=2)
    assert (life.points(1), life.points(0)) == (300, 500)
    answer = life.town.operations[order_id].answer
    assert answer["referral"]["state"] == "rewarded"
    assert [(one["wallet"], one["available"]) for one in answer["balances"]] == [("points", 300)]


def test_an_activity_can_count_instead_of_an_order() -> None:
    life = Life.of(qualifies=CUP)
    life.register(1)
    life.buy(1, day=1)
    life.report(1, "survey", day=1)
    life.pass_time(20)
    assert life.state(1, 20) == "registered"
    life.report(1, day=20)
    life.pass_time(27)
    assert (life.points(1), life.points(0)) == (300, 500)


def test_an_activity_that_is_reversed_counts_no_more() -> None:
    life = Life.of(qualifies=CUP)
    life.register(1)
    cup = life.report(1, day=1)
    life.pass_time(8)
    assert life.points(1) == 300
    assert isinstance(life.do(ReverseOperation(life.call(), cup, "why"), 9), Accepted)
    assert (life.points(1), life.points(0), life.state(1)) == (0, 0, "reversed")


def test_an_order_that_comes_back_in_time_never_counts() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.bring_back(order_id, 10)
    life.pass_time(30)
    assert (life.points(1), life.points(0), life.state(1, 30)) == (0, 0, "registered")
    assert life.state(1, 60) == "rejected"


def test_what_comes_back_later_takes_back_exactly_what_was_given() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    decision = life.bring_back(order_id, 40)
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["referral"]["state"] == "reversed"
    assert decision.changes.answer["referral"]["reasons"] == [{"reason": "came_back"}]
    assert [one["available"] for one in decision.changes.answer["balances"]] == [0]
    assert (life.points(1), life.points(0), life.reasons(1)) == (0, 0, ["came_back"])
    assert life.counters(0) == {"referral/friends/registered/day/2026-06-01": 1}
    assert life.counters(1) == {}


def test_what_comes_back_is_taken_after_the_time_that_nobody_had_booked() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.bring_back(order_id, 40)
    kinds = [one.operation.kind for one in life.town.operations.values()]
    assert kinds == ["referral", "order", "referral_reward", "order_cancel", "referral_reversal"]
    assert (life.points(1), life.points(0), life.state(1)) == (0, 0, "reversed")


def test_points_that_were_spent_by_then_are_owed() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    spend(life, 0, 500)
    life.bring_back(order_id, 40)
    assert (life.points(1), life.points(0)) == (0, -500)


def test_points_that_were_spent_by_then_are_forgiven_where_the_program_says_so() -> None:
    life = Life.of()
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], policies=CLAMP)}
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    spend(life, 0, 450)
    life.town.check_rewards = lambda: None  # type: ignore[method-assign]  # less is taken back than was given
    life.bring_back(order_id, 40)
    assert (life.points(1), life.points(0)) == (0, 0)


@pytest.mark.parametrize(("left", "state", "points"), [(3000, "rewarded", 300), (2999, "reversed", 0)])
def test_a_part_that_comes_back_matters_if_too_little_is_left(left: int, state: str, points: int) -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, 5000, day=1)
    life.pass_time(15)
    life.bring_back(order_id, 20, amount=5000 - left)
    assert (life.state(1), life.points(1)) == (state, points)


def test_another_order_takes_the_place_of_the_one_that_came_back() -> None:
    life = Life.of()
    life.register(1)
    first = life.buy(1, day=1)
    second = life.buy(1, day=30)
    life.pass_time(15)
    life.bring_back(first, 40)
    assert (life.state(1), life.points(1), life.referral(1).counts_for) == ("rewarded", 300, second)
    life.bring_back(second, 50)
    assert (life.state(1), life.points(1), life.points(0)) == ("reversed", 0, 0)


def test_an_order_that_is_edited_counts_by_what_it_is_now() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, 2000, day=1)
    assert life.referral(1).proofs == ()
    edit = EditOrder(life.call(), order_id, (line(3000),), 0, (), "why")
    assert isinstance(life.do(edit, 2), Accepted)
    life.pass_time(15)
    assert (life.state(1), life.points(1)) == ("rewarded", 300)
    life.do(EditOrder(life.call(), order_id, (line(2999),), 0, (), "why"), 16)
    assert (life.state(1), life.points(1)) == ("reversed", 0)


def test_an_order_that_a_friend_claims_counts() -> None:
    life = Life.of()
    life.register(1)
    guest = replace(life.order_of(1, placed=1), member=None)
    assert isinstance(life.do(guest, 1), Accepted)
    assert isinstance(life.do(ClaimOrder(life.call(), guest.call.operation_id, person(1)), 2), Accepted)
    life.pass_time(15)
    assert (life.state(1), life.points(1)) == ("rewarded", 300)
    life.bring_back(guest.call.operation_id, 20)
    assert (life.state(1), life.points(1)) == ("reversed", 0)


@pytest.mark.parametrize(("amount", "state", "points"), [(4000, "rewarded", 300), (1000, "reversed", 0)])
def test_what_is_bought_on_the_receipt_of_a_return_can_take_its_place(amount: int, state: str, points: int) -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    swap = Exchange(order_id, Goods({"1": None}))
    assert isinstance(life.do(replace(life.order_of(1, amount, 16), exchanges=(swap,)), 16), Accepted)
    assert (life.state(1), life.points(1), life.points(0)) == (state, points, 500 if points else 0)


def test_who_buys_again_in_time_counts_again() -> None:
    life = Life.of()
    life.register(1)
    life.bring_back(life.buy(1, day=1), 20)
    assert life.state(1) == "reversed"
    life.buy(1, day=25)
    assert (life.state(1), life.points(1)) == ("reversed", 0)
    life.pass_time(39)
    assert (life.state(1), life.points(1), life.points(0)) == ("rewarded", 300, 500)


def test_the_third_friend_brings_more() -> None:
    life = Life.of()
    for friend in (1, 2, 3):
        life.register(friend)
        life.buy(friend, day=1)
    life.pass_time(15)
    assert life.points(0) == 500 + 500 + 800
    assert life.counters(0)["referral/friends/friends/lifetime/"] == 3


def test_friends_beyond_the_limit_count_and_are_rewarded_themselves() -> None:
    life = Life.of(advocate={"ladder": [{"rewards": [POINTS]}], "limits": [{"friends": 1, "period": "month"}]})
    for friend, day in ((1, 1), (2, 15.1), (3, 29.5)):
        life.register(friend, day=day)
        life.buy(friend, day=day)
        life.pass_time(day + 14)
    assert [life.points(who) for who in (0, 1, 2, 3)] == [200, 300, 300, 300]
    assert life.reasons(2) == ["limit_reached"]
    assert life.counters(0)["referral/friends/friends/lifetime/"] == 3


def test_a_reversal_makes_room_in_the_limit() -> None:
    life = Life.of(advocate={"ladder": [{"rewards": [POINTS]}], "limits": [{"friends": 1}]})
    for friend in (1, 2):
        life.register(friend)
    first = life.buy(1, day=1)
    life.pass_time(15)
    life.bring_back(first, 16)
    life.buy(2, day=17)
    life.pass_time(31)
    assert (life.points(0), life.reasons(2)) == (100, [])


def test_who_gets_nothing_still_counts() -> None:
    life = Life.of(friend={}, advocate={"ladder": [{"from_friends": 2, "rewards": [POINTS]}]})
    for friend in (1, 2):
        life.register(friend)
    first = life.buy(1, day=1)
    life.buy(2, day=2)
    life.pass_time(15)
    assert (life.state(1), life.points(0)) == ("qualified", 0)
    life.pass_time(16)
    assert (life.state(2), life.points(0)) == ("rewarded", 100)
    life.bring_back(first, 20)
    assert (life.state(1), life.points(0)) == ("reversed", 100)


def test_rewards_can_be_promo_codes_which_are_withdrawn_with_them() -> None:
    life = Life.of(friend=WELCOME, advocate={"ladder": [WELCOME]})
    vouchers = (Candidate(FoldedCode("AAAA"), "aa-aa"), Candidate(FoldedCode("BBBB"), "bb-bb"))
    life.town.pools = {"welcome": KnownPool("welcome", "vouchers", next_codes=vouchers)}
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    [reward] = [one for one in life.town.operations.values() if one.operation.kind == "referral_reward"]
    assert [(row.code, row.member_id, row.is_taken) for row in reward.codes] == [
        ("AAAA", person(1), True),
        ("BBBB", person(0), True),
    ]
    assert life.referral(1).given == (
        Given("friend", code=FoldedCode("AAAA")),
        Given("advocate", code=FoldedCode("BBBB")),
    )
    life.bring_back(order_id, 20)
    assert [one.codes_withdrawn for one in life.town.operations.values()][-1] == ("AAAA", "BBBB")


def test_codes_of_a_personal_pool_are_made() -> None:
    life = Life.of(friend=WELCOME, advocate={"ladder": [WELCOME]})
    life.town.pools = {"welcome": KnownPool("welcome", "personal", pattern="HI-##", entropy=bytes([1, 2, 3, 4]))}
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(15)
    assert [given.code for given in life.referral(1).given] == ["H112", "H134"]


@pytest.mark.parametrize(
    "pool",
    [
        None,
        KnownPool("welcome", "vouchers"),
        KnownPool("welcome", "generated"),
        KnownPool("welcome", "vouchers", is_active=False, next_codes=(Candidate(FoldedCode("AAAA"), "aa-aa"),)),
        KnownPool("welcome", "vouchers", ends_at=NOW, next_codes=(Candidate(FoldedCode("AAAA"), "aa-aa"),)),
    ],
)
def test_a_pool_without_codes_keeps_nobody_from_the_rest(pool: KnownPool | None) -> None:
    life = Life.of(friend=WELCOME)
    life.town.pools = {} if pool is None else {"welcome": pool}
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(15)
    assert (life.state(1), life.reasons(1), life.points(0)) == ("rewarded", ["no_code_left"], 500)


def test_what_the_program_no_longer_offers_is_not_given() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.town.rulesets[4] = ruleset_of(revision=4)
    life.pass_time(15)
    assert (life.state(1), life.reasons(1), life.points(1)) == ("rejected", ["programme_gone"], 0)


def test_friend_and_advocate_who_turn_out_to_be_one_get_nothing() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    merge(life, 0, 1, day=2)
    life.pass_time(15)
    [referral] = life.town.referrals.values()
    assert (referral.state, [reason.why for reason in referral.reasons]) == ("rejected", ["same_member"])
    assert life.points(0) == 0


@pytest.mark.parametrize("who", [0, 1])
def test_who_stands_for_a_friend_or_an_advocate_is_rewarded_and_gives_back(who: int) -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    merge(life, 5, who, day=2)
    life.pass_time(15)
    rewarded = [5 if who == side else side for side in (0, 1)]
    assert [life.points(side) for side in rewarded] == [500, 300]
    life.bring_back(order_id, 20)
    assert [life.points(side) for side in rewarded] == [0, 0]
    [referral] = life.town.referrals.values()
    assert (referral.state, referral.friend_id, referral.advocate_id) == ("reversed", person(1), person(0))


@pytest.mark.parametrize("who", [0, 1])
def test_a_reward_is_taken_from_whoever_took_it_over(who: int) -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    merge(life, 5, who, day=16)
    spend(life, 5, 100)
    life.bring_back(order_id, 20)
    assert (life.points(5), life.points(1 - who)) == (-100, 0)


def test_who_turns_out_to_be_its_own_friend_gives_back_what_both_got() -> None:
    life = Life.of()
    life.register(1)
    order_id = life.buy(1, day=1)
    life.pass_time(15)
    merge(life, 0, 1, day=16)
    assert life.points(0) == 800
    spend(life, 0, 600)
    life.bring_back(order_id, 20)
    [referral] = life.town.referrals.values()
    assert (referral.state, life.points(0)) == ("reversed", -600)
    assert life.counters(0) == {"referral/friends/registered/day/2026-06-01": 1}


@pytest.mark.parametrize(("who", "reason"), [(0, "advocate_blocked"), (1, "friend_blocked")])
def test_who_is_blocked_waits_for_a_look(who: int, reason: str) -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.do(SetStatus(life.call(), person(who), "blocked", "why"), 10)
    life.pass_time(15)
    assert (life.state(1), life.reasons(1), life.points(0)) == ("in_review", [reason], 0)
    assert refused(life.review(1, "approve", 16)) == "member_blocked"
    life.do(SetStatus(life.call(), person(who), "active", "why"), 17)
    life.review(1, "approve", 18)
    assert (life.state(1), life.points(0), life.points(1)) == ("rewarded", 500, 300)


def test_who_may_recommend_is_a_condition_on_the_member() -> None:
    life = Life.of(advocate={"when": {"fact": "member.orders", "at_least": 1}})
    assert refused(life.do(life.registration(2, by=1))) == "advocate_not_allowed"
    assert life.register(2, by=0) == "registered"


def test_a_friend_and_the_number_of_friends_are_facts() -> None:
    gifts = [
        {"key": "welcome", "when": {"fact": "member.brought_by", "is": "friends"}, "effect": off(1000)},
        {"key": "thanks", "when": {"fact": "member.referrals", "at_least": 1}, "effect": off(100)},
    ]
    life = Life.of()
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], promotions=gifts)}
    life.register(1)
    assert total(life, life.buy(1, day=1)) == 4000
    assert total(life, life.buy(0, day=1)) == 5000
    life.pass_time(15)
    assert total(life, life.buy(0, day=16)) == 4900


def test_a_friend_in_review_is_none_yet() -> None:
    life = Life.of()
    life.see(0, device="d")
    life.register(1, device="d")
    assert life.counters(1) == {}
    life.review(1, "approve")
    assert life.counters(1) == {"referral/friends/brought/lifetime/": 1}


def test_a_reward_that_no_balance_can_hold_does_not_stop_the_order() -> None:
    life = Life.of(qualifies={"kind": "order"})
    adjust(life, 1, MAX_BALANCE - 10)
    life.register(1)
    life.buy(1, day=1)
    assert (life.state(1), life.points(0), life.points(1)) == ("registered", 0, MAX_BALANCE - 10)
    adjust(life, 1, -1000)
    life.pass_time(2)
    assert (life.state(1), life.points(0), life.points(1)) == ("rewarded", 500, MAX_BALANCE - 710)


def test_orders_of_one_batch_reward_one_advocate_together() -> None:
    life = Life.of(qualifies={"kind": "order"})
    life.register(1)
    life.register(2)
    orders = [life.order_of(1), life.order_of(2), life.order_of(1)]
    facts = [life.town.gather(request, NOW) for request in orders]
    together = decide_together(life.town.ruleset, facts, orders, NOW, write_answer=str)
    assert together.write is not None
    after = {guard.after.id: guard.after.balances["points"].available for guard in together.write.members}
    assert after == {person(0): 1000, person(1): 300, person(2): 300}
    assert {(one.friend_id, one.state, len(one.proofs)) for one in together.write.referrals} == {
        (person(1), "rewarded", 2),
        (person(2), "rewarded", 1),
    }


def test_a_friend_that_one_order_of_a_batch_brings_is_one_for_the_next() -> None:
    life = Life.of()
    orders = [replace(life.order_of(1), brought=bringing(0)), life.order_of(1), life.order_of(1)]
    orders[2] = replace(orders[2], brought=bringing(0))
    facts = [life.town.gather(request, NOW) for request in orders]
    together = decide_together(life.town.ruleset, facts, orders, NOW, write_answer=str)
    assert together.write is not None
    assert [(len(one.proofs), one.advocate_id) for one in together.write.referrals] == [(3, person(0))]
    states = [one.changes.answer["referral"]["state"] for one in together.decisions if isinstance(one, Accepted)]
    assert states == ["registered"] * 3


@pytest.mark.parametrize(("by", "told"), [(0, person(0)), (99, "referral_code_not_found")])
def test_a_friend_is_bound_to_whose_code_it_has_whoever_was_named_before(by: int, told: UUID | str) -> None:
    life = Life.of()
    cart = replace(reserving(life, 1), brought=replace(bringing(2), programme="gone"))
    registration = life.registration(1, by=by)
    seen, then = (life.town.gather(request, NOW) for request in (cart, registration))
    reserved = decide(life.town.ruleset, seen, cart, NOW)
    assert isinstance(reserved, Accepted)
    moved = reduce(apply, reserved.parts, seen)
    decision = decide(life.town.ruleset, carry_on(then, moved), registration, NOW)
    bound = decision.changes.operation.other_member_id if isinstance(decision, Accepted) else refused(decision)
    assert bound == told


def test_a_friend_registers_is_welcomed_and_counts_in_one_call() -> None:
    welcome = {"key": "welcome", "when": {"fact": "member.brought_by", "is": "friends"}, "effect": off(1000)}
    life = Life.of()
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], promotions=[welcome])}
    request = replace(life.order_of(1), brought=bringing(0))
    decision = life.do(request)
    assert isinstance(decision, Accepted)
    assert [part.operation.kind for part in decision.parts] == ["referral", "order"]
    answer = decision.changes.answer
    assert (answer["total"], answer["referral"]["state"]) == (4000, "registered")
    assert answer["referral"]["settles_at"] == "2026-06-15T12:00:00Z"
    life.pass_time(14)
    assert (life.points(1), life.points(0)) == (300, 500)


def test_a_look_tells_a_friend_how_it_will_be_welcomed() -> None:
    welcome = {"key": "welcome", "when": {"fact": "member.brought_by", "is": "friends"}, "effect": off(1000)}
    life = Life.of()
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], promotions=[welcome])}
    assert evaluate(life, 1, bringing(0))["total"] == 4000
    assert evaluate(life, 1, bringing(0))["referral"] == {"state": "registered", "reasons": []}
    assert evaluate(life, 1, bringing(99))["total"] == 5000
    assert evaluate(life, 1, bringing(99))["referral"]["refused"] == "referral_code_not_found"
    assert "referral" not in evaluate(life, 1, None)


def test_a_look_sees_a_reward_that_is_due() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    assert evaluate(life, 1, None, day=14.9)["balances"] == []
    assert [one["available"] for one in evaluate(life, 1, None, day=15)["balances"]] == [300]


def test_a_friend_that_comes_along_with_a_reserved_cart_is_one_at_once() -> None:
    life = welcoming()
    asked = reserving(life, 1)
    decision = life.do(asked)
    assert isinstance(decision, Accepted)
    assert [part.operation.kind for part in decision.parts] == ["referral", "reservation"]
    answer = decision.changes.answer
    assert (answer["total"], answer["referral"]["state"]) == (4000, "registered")
    confirmed = life.do(ConfirmReservation(life.call(), asked.call.operation_id, ShopOrder("R-1")))
    assert isinstance(confirmed, Accepted)
    shown = confirmed.changes.answer
    assert (shown["total"], shown["referral"]["settles_at"]) == (4000, "2026-06-15T12:00:00Z")
    life.pass_time(14)
    assert (life.points(1), life.points(0), life.state(1)) == (300, 500, "rewarded")


def test_a_friend_came_when_its_receipt_says_however_late_that_is_heard_of() -> None:
    life = Life.of()
    decision = life.do(replace(life.order_of(1, placed=2), brought=bringing(0)), 9)
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["referral"]["registered_at"] == "2026-06-03T12:00:00Z"
    assert decision.changes.answer["referral"]["ends_at"] == "2026-08-02T12:00:00Z"
    life.pass_time(16)
    assert (life.state(1), life.points(0)) == ("rewarded", 500)


def test_who_enrols_with_its_first_order_is_a_friend_by_then() -> None:
    life = welcoming()
    looked = evaluate(life, OTHER_CARD, bringing(0))
    assert (looked["member_id"], looked["total"], looked["referral"]["state"]) == (None, 4000, "registered")
    decision = life.do(replace(life.order_of(OTHER_CARD), brought=bringing(0)))
    assert isinstance(decision, Accepted)
    registration, order = decision.parts
    assert (registration.identities_added, order.identities_added) == ((OTHER_CARD,), ())
    assert registration.member is not None
    friend = registration.member.after.id
    assert (registration.member.expected_version, order.operation.member_id) == (0, friend)
    assert (order.answer["total"], order.answer["referral"]["state"]) == (4000, "registered")
    assert life.town.identities[OTHER_CARD] == friend
    [referral] = life.town.referrals.values()
    assert (referral.friend_id, referral.advocate_id) == (friend, person(0))
    life.pass_time(14)
    assert life.points(0) == 500


def test_who_enrols_with_a_wrong_code_is_enrolled_as_everybody() -> None:
    life = welcoming()
    decision = life.do(replace(life.order_of(OTHER_CARD), brought=bringing(99)))
    assert isinstance(decision, Accepted)
    assert (decision.before, decision.changes.identities_added) == ((), (OTHER_CARD,))
    assert decision.changes.answer["referral"]["refused"] == "referral_code_not_found"


@pytest.mark.parametrize("unknown_card", ["park", "refuse"])
def test_nobody_is_a_friend_who_is_not_enrolled_with_its_order(unknown_card: str) -> None:
    life = Life.of()
    program = {**DOCUMENT["program"], "unknown_card": unknown_card}
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], program=program)}
    decision = life.do(replace(life.order_of(OTHER_CARD), brought=bringing(0)))
    assert life.town.referrals == {}
    if unknown_card == "refuse":
        assert refused(decision) == "member_not_found"
    else:
        assert isinstance(decision, Accepted)
        assert decision.changes.answer["referral"]["refused"] == "member_not_found"


def test_a_friend_stays_one_whose_cart_is_reserved_anew_or_let_go() -> None:
    life = welcoming()
    first = reserving(life, 1)
    life.do(first)
    second = replace(reserving(life, 1), replaces=first.call.operation_id)
    decision = life.do(second)
    assert isinstance(decision, Accepted)
    assert (decision.changes.answer["total"], decision.changes.answer["referral"]["state"]) == (4000, "registered")
    life.do(ReleaseReservation(life.call(), second.call.operation_id))
    assert (life.state(1), len(life.town.referrals)) == ("registered", 1)
    other = life.do(replace(reserving(life, 1), brought=bringing(2)))
    assert isinstance(other, Accepted)
    assert other.changes.answer["referral"]["refused"] == "referral_exists"


def test_a_cart_is_reserved_though_its_member_is_no_friend() -> None:
    life = welcoming()
    decision = life.do(replace(reserving(life, 1), brought=bringing(99)))
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["total"] == 5000
    assert decision.changes.answer["referral"] == {"state": None, "refused": "referral_code_not_found", "details": {}}


def test_who_is_registered_already_may_bring_the_same_code_to_its_checkout() -> None:
    life = Life.of()
    life.register(1)
    decision = life.do(replace(life.order_of(1, 100), brought=bringing(0)))
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["referral"]["state"] == "registered"
    assert evaluate(life, 1, bringing(0))["referral"] == {"state": "registered", "reasons": []}
    wrong = replace(life.order_of(1), brought=replace(bringing(0), programme="other"))
    refused_ = life.do(wrong)
    assert isinstance(refused_, Accepted)
    assert refused_.changes.answer["referral"]["refused"] == "referrals_not_offered"


def test_a_friends_checkout_is_not_told_whose_code_it_was_nor_what_that_one_gets() -> None:
    life = Life.of(qualifies={"kind": "order"})
    decision = life.do(replace(life.order_of(1), brought=bringing(0)))
    assert isinstance(decision, Accepted)
    shown = decision.changes.answer["referral"]
    assert "advocate_id" not in shown
    assert shown["rewards"] == [{"side": "friend", "kind": "points", "wallet": "points", "points": 300}]
    registered = Life.of().do(Life.of().registration(1))
    assert isinstance(registered, Accepted)
    assert "advocate_id" not in registered.changes.answer


def welcoming() -> Life:
    """Return a town where friends get 10 euros off."""
    welcome = {"key": "welcome", "when": {"fact": "member.brought_by", "is": "friends"}, "effect": off(1000)}
    life = Life.of()
    life.town.rulesets = {3: ruleset_of(referrals=[FRIENDS], earning_rules=[], promotions=[welcome])}
    return life


def reserving(life: Life, who: int) -> ReserveOrder:
    placing = life.order_of(who)
    return ReserveOrder(placing.call, placing.member, placing.order, timedelta(minutes=15), brought=bringing(0))


def evaluate(life: Life, who: int | Identity, brought: Bringing | None, day: float = 0) -> dict[str, Any]:
    placing = replace(life.order_of(who, placed=day), brought=brought)
    facts = life.town.gather(placing, NOW + day * DAY)
    asked = EvaluateOrder(placing.call.actor, placing.member, placing.order, brought=brought)
    seen = look(life.town.ruleset, facts, asked, NOW + day * DAY)
    assert isinstance(seen, Look)
    return seen.answer


def test_with_nothing_to_wait_for_one_call_does_it_all() -> None:
    life = Life.of(qualifies={"kind": "order"})
    decision = life.do(replace(life.order_of(1), brought=bringing(0)))
    assert isinstance(decision, Accepted)
    assert [part.operation.kind for part in decision.parts] == ["referral", "order", "referral_reward"]
    assert (life.state(1), life.points(1), life.points(0)) == ("rewarded", 300, 500)


@pytest.mark.parametrize(
    ("by", "refused_as"),
    [(1, "referral_of_self"), (99, "referral_code_not_found"), (2, "referral_exists"), (None, "member_required")],
)
def test_an_order_stands_though_its_member_is_no_friend(by: int | None, refused_as: str) -> None:
    life = Life.of()
    if refused_as == "referral_exists":
        life.register(1, by=0)
    request = replace(life.order_of(1), brought=bringing(0 if by is None else by))
    decision = life.do(replace(request, member=None) if by is None else request)
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["referral"]["refused"] == refused_as
    assert decision.changes.order is not None
    assert len(life.town.referrals) == (refused_as == "referral_exists")


def test_a_receipt_that_is_sent_twice_registers_nobody() -> None:
    life = Life.of()
    request = life.order_of(1)
    life.do(request)
    again = replace(request, call=replace(life.call(), key="other"), brought=bringing(0))
    assert isinstance(life.do(again), Repeated)
    assert life.town.referrals == {}


def bringing(by: int) -> Bringing:
    code = fold_code(code_of(person(by)))
    assert code is not None
    return Bringing(code)


def merge(life: Life, member: int, absorbed: int, day: float) -> None:
    request = MergeMembers(life.call(), person(member), person(absorbed), "same")
    assert isinstance(life.do(request, day), Accepted)


def spend(life: Life, who: int, points: int) -> None:
    assert isinstance(life.do(Redeem(life.call(), person(who), "points", points), 16), Accepted)


def adjust(life: Life, who: int, points: int) -> None:
    assert isinstance(life.do(Adjust(life.call(), person(who), "points", points, "why"), 1), Accepted)


def total(life: Life, order_id: UUID) -> int:
    """Return what was to pay for an order."""
    row = life.town.operations[order_id].order
    assert row is not None
    return row.order.total
