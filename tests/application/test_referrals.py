"""Referrals on the real database: what is read, decided and written about friends and who brought them."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from loyalty_engine.application.asks import ask_for
from loyalty_engine.application.referral_asks import with_advocates
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.referral_requests import ReferralRequest, SeeFingerprints
from loyalty_engine.core.engine.requests import Adjust, Redeem, Request, ReturnGoods, ReverseOperation
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.reading.referrals import read_counters
from tests.harness.friends import DAY, Shop, document_of_friends, fingerprints, open_shop
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(document_of_friends())


@pytest.fixture
async def shop(program: Program, ledger: Ledger) -> AsyncIterator[Shop]:
    """A shop in whose rows nothing is wrong at the end."""
    async with open_shop(program) as opened:
        yield opened
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
    report = await check_rows(ledger.connection, program.id)
    assert [finding for finding in report.findings if finding.offences] == []


async def points(shop: Shop, ledger: Ledger, who: str) -> int:
    available, pending, _, debt = (await ledger.balances(shop.names[who])).get("points", (0, 0, 0, 0))
    return available + pending - debt


async def friends(shop: Shop, ledger: Ledger, who: str) -> int:
    """Return how many friends a member counts."""
    counters = await read_counters(ledger.connection, shop.program.id, shop.names[who])
    return counters.get("referral/friends/friends/lifetime/", 0)


async def state(shop: Shop, ledger: Ledger, friend: str) -> tuple[str, list[Any]]:
    row = await ledger.connection.fetchrow(
        "SELECT state, reasons FROM referral WHERE program_id = $1 AND friend_id = $2",
        shop.program.id,
        shop.names[friend],
    )
    assert row is not None
    return row["state"], json.loads(row["reasons"])


async def test_a_friend_and_its_advocate_are_rewarded_when_the_order_has_stood(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    registered = await shop.register("ben", by="anna")
    assert (registered["state"], registered["rewards"]) == ("registered", [])
    answer = await shop.do(shop.order("ben"))
    assert answer["referral"]["settles_at"] == "2026-03-16T12:00:00Z"

    shop.now += 13 * DAY
    assert (await shop.reward()).referrals == 0
    shop.now += DAY
    assert (await shop.reward()).referrals == 1
    assert (await shop.reward()).referrals == 0

    assert await state(shop, ledger, "ben") == ("rewarded", [])
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (500, 300)


async def test_an_order_brings_its_friend_along(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    answer = await shop.do(shop.order("ben", by="anna"))
    assert answer["referral"]["state"] == "registered"
    assert (await shop.do(shop.order("ben", by="anna")))["referral"]["state"] == "registered"
    await shop.enrol("carl")
    assert (await shop.do(shop.order("ben", by="carl")))["referral"]["refused"] == "referral_exists"
    assert (await shop.do(shop.order("anna", by="anna")))["referral"]["refused"] == "referral_of_self"
    assert await ledger.count("referral") == 1


async def test_whoever_touches_the_friend_rewards_it_first(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna")
    await shop.buy("ben")
    shop.now += 20 * DAY
    await shop.spend("ben", 200)
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (500, 100)


async def test_what_comes_back_takes_rewards_of_both_back(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    shop.now += 15 * DAY
    await shop.reward()
    await shop.spend("anna", 450)
    answer = await shop.cancel(order_id)
    assert answer["referral"]["state"] == "reversed"
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (-450, 0)

    await shop.buy("ben", 4000)
    shop.now += 15 * DAY
    await shop.reward()
    assert await state(shop, ledger, "ben") == ("rewarded", [])
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (50, 300)


async def test_one_call_rewards_and_takes_back_what_was_due(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    shop.now += 15 * DAY
    await shop.do(ReturnGoods(shop.call(), order_id, Goods({}, amount=3000)))
    assert await state(shop, ledger, "ben") == ("reversed", [["came_back", None]])
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (0, 0)


async def test_a_shared_device_waits_for_a_look(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "carl")
    await shop.do(SeeFingerprints(shop.call(), shop.names["anna"], fingerprints(device="d" * 16)))
    registered = await shop.register("ben", by="anna", device="d" * 16)
    assert (registered["state"], registered["reasons"]) == (
        "in_review",
        [{"reason": "shared_with_advocate", "fingerprint": "device"}],
    )
    await shop.buy("ben")
    shop.now += 15 * DAY
    assert (await shop.reward()).referrals == 0
    approved = await shop.review(registered["id"], "approve")
    assert approved["state"] == "rewarded"
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (500, 300)
    assert (await shop.review(registered["id"], "reject"))["state"] == "rejected"
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (0, 0)


async def test_a_device_seen_later_stops_the_reward(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna", identity="i" * 16)
    await shop.buy("ben")
    await shop.do(SeeFingerprints(shop.call(), shop.names["anna"], fingerprints(identity="i" * 16)))
    shop.now += 15 * DAY
    assert (await shop.reward()).referrals == 1
    assert await state(shop, ledger, "ben") == ("rejected", [["shared_with_advocate", "identity"]])
    assert await points(shop, ledger, "anna") == 0


async def test_a_circle_of_friends_is_found(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "carl")
    await shop.register("ben", by="anna")
    await shop.register("carl", by="ben")
    assert (await shop.register("anna", by="carl"))["reasons"] == [{"reason": "cycle"}]
    assert await state(shop, ledger, "anna") == ("rejected", [["cycle", None]])


async def test_the_ladder_and_the_limit_hold_for_all_that_are_due_at_once(shop: Shop, ledger: Ledger) -> None:
    friends = [f"friend{n}" for n in range(6)]
    await shop.enrol("anna", *friends)
    for friend in friends:
        await shop.register(friend, by="anna")
        await shop.buy(friend)
    shop.now += 15 * DAY
    assert (await shop.reward()).referrals == 6
    assert await points(shop, ledger, "anna") == 500 + 500 + 800 + 800
    states = [await state(shop, ledger, friend) for friend in friends]
    assert sorted(reasons for _, reasons in states) == [
        [],
        [],
        [],
        [],
        [["limit_reached", None]],
        [["limit_reached", None]],
    ]


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_whoever_stands_for_a_side_gives_back_what_it_got(shop: Shop, ledger: Ledger, who: str) -> None:
    await shop.enrol("anna", "ben", "eve")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    shop.now += 15 * DAY
    await shop.reward()
    await shop.merge("eve", who)
    await shop.spend("eve", 100)
    await shop.cancel(order_id)
    left = {"anna": "ben", "ben": "anna"}[who]
    assert (await points(shop, ledger, "eve"), await points(shop, ledger, left)) == (-100, 0)


async def test_friend_and_advocate_who_are_one_give_back_what_both_got(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    shop.now += 15 * DAY
    await shop.reward()
    await shop.merge("anna", "ben")
    assert await points(shop, ledger, "anna") == 800
    await shop.cancel(order_id)
    assert await points(shop, ledger, "anna") == 0


async def test_a_friend_that_was_absorbed_is_rewarded_through_who_stands_for_it(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "eve")
    await shop.register("ben", by="anna")
    await shop.buy("ben")
    await shop.merge("eve", "ben")
    shop.now += 15 * DAY
    await shop.spend("eve", 50)
    assert (await points(shop, ledger, "eve"), await points(shop, ledger, "anna")) == (250, 500)


async def test_what_a_friend_does_at_once_rewards_it_once(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    shop.now += 15 * DAY
    buys = [shop.do(shop.order("ben", 100)) for _ in range(10)]
    spends = [shop.refused(Redeem(shop.call(), shop.names["ben"], "points", 20)) for _ in range(5)]
    _, _, _, *why = await asyncio.gather(asyncio.gather(*buys), shop.cancel(order_id), shop.reward(), *spends)
    assert set(why) <= {None, "insufficient_points"}
    assert await ledger.count("operation", "kind = 'referral_reward'") == 1
    assert await state(shop, ledger, "ben") == ("reversed", [["came_back", None]])
    assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (0, -20 * why.count(None))


async def test_a_batch_with_one_fate_rewards_friends_of_one_advocate(shop: Shop, ledger: Ledger) -> None:
    friends = ["ben", "carl", "dora"]
    await shop.enrol("anna", *friends)
    for friend in friends:
        await shop.register(friend, by="anna")
        await shop.buy(friend)
    shop.now += 15 * DAY
    orders = [shop.order(who, 100) for who in ("anna", *friends, "ben", "anna")]
    outcomes = await shop.executor.execute_together(shop.caller, orders)
    assert [outcome.refusal_code for outcome in outcomes] == [None] * 6
    assert await points(shop, ledger, "anna") == 500 + 500 + 800
    assert [await points(shop, ledger, friend) for friend in friends] == [300, 300, 300]


async def test_a_batch_with_one_fate_brings_friends_of_one_advocate(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "carl")
    orders = [shop.order("ben", by="anna"), shop.order("carl", by="anna"), shop.order("ben", by="anna")]
    outcomes = await shop.executor.execute_together(shop.caller, orders)
    told = [json.loads(outcome.answer)["referral"]["state"] for outcome in outcomes]
    assert told == ["registered", "registered", "registered"]
    assert await ledger.count("referral") == 2


async def test_who_stood_for_a_friend_keeps_its_reward_when_both_are_parted(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "eve")
    await shop.register("ben", by="anna")
    await shop.buy("ben")
    merged = await shop.merge("eve", "ben")
    shop.now += 15 * DAY
    await shop.reward()
    await shop.do(ReverseOperation(shop.call(), read_id("op", merged["operation_id"]), "two people"))
    assert [await points(shop, ledger, who) for who in ("eve", "ben", "anna")] == [300, 0, 500]


async def test_what_is_taken_back_after_both_were_parted_comes_to_nothing_in_all(shop: Shop, ledger: Ledger) -> None:
    await shop.enrol("anna", "ben", "eve")
    await shop.register("ben", by="anna")
    order_id = await shop.buy("ben")
    merged = await shop.merge("eve", "ben")
    shop.now += 15 * DAY
    await shop.reward()
    await shop.do(ReverseOperation(shop.call(), read_id("op", merged["operation_id"]), "two people"))
    await shop.cancel(order_id)
    assert [await points(shop, ledger, who) for who in ("eve", "ben", "anna")] == [300, -300, 0]


async def test_what_comes_back_while_two_advocates_are_one_is_right_in_all(shop: Shop, ledger: Ledger) -> None:
    """Undoing a merge gives each what it had before: what was taken back meanwhile is the other's, here as in all of merges."""
    await shop.enrol("anna", "eve", "ben", "carl")
    orders = {}
    for friend, advocate in (("ben", "anna"), ("carl", "eve")):
        await shop.register(friend, by=advocate)
        orders[friend] = await shop.buy(friend)
    shop.now += 15 * DAY
    await shop.reward()
    merged = await shop.merge("anna", "eve")
    await shop.cancel(orders["carl"])
    assert (await points(shop, ledger, "anna"), await friends(shop, ledger, "anna")) == (500, 1)
    await shop.do(ReverseOperation(shop.call(), read_id("op", merged["operation_id"]), "two people"))
    assert [await points(shop, ledger, who) for who in ("anna", "eve", "ben", "carl")] == [0, 500, 300, 0]
    assert [await friends(shop, ledger, who) for who in ("anna", "eve")] == [0, 1]
    await shop.cancel(orders["ben"])
    assert [await points(shop, ledger, who) for who in ("anna", "eve", "ben", "carl")] == [-500, 500, 0, 0]


async def test_what_settles_at_once_is_rewarded_in_the_same_answer(new_program: MakeProgram) -> None:
    program = await new_program(document_of_friends(qualifies={"kind": "order", "at_least": 3000}))
    async with open_shop(program) as shop, Ledger.open(program) as ledger:
        await shop.enrol("anna", "ben", "carl")
        await shop.register("ben", by="anna")
        answers = [await shop.do(shop.order("ben")), await shop.do(shop.order("carl", by="anna"))]
        assert [answer["referral"]["state"] for answer in answers] == ["rewarded", "rewarded"]
        assert [answer["balances"][0]["available"] for answer in answers] == [300, 300]
        assert await points(shop, ledger, "anna") == 1000
        assert await ledger.faults() == []


async def test_without_programmes_only_what_comes_back_asks_who_brought_a_member(new_program: MakeProgram) -> None:
    program = await new_program(document_of_friends())
    async with open_shop(program) as shop, Ledger.open(program) as ledger:
        await shop.enrol("anna", "ben")
        await shop.register("ben", by="anna")
        order_id = await shop.buy("ben")
        shop.now += 15 * DAY
        await shop.reward()
        await program.publish({**document_of_friends(), "referrals": []})
        await shop.spend("anna", 10)
        ruleset = await shop.rulesets.latest(program.id)
        assert ask_for(shop.order("ben"), ruleset, now=shop.now).referral is None
        await shop.cancel(order_id)
        assert (await points(shop, ledger, "anna"), await points(shop, ledger, "ben")) == (-10, 0)


async def read(shop: Shop, request: Request | ReferralRequest) -> Facts:
    """Return what gather shows for a request, as the executor asks, always with lots."""
    ruleset = await shop.rulesets.latest(shop.program.id)
    ask = replace(ask_for(request, ruleset, now=shop.now), wants_lots=True)
    gathered = await shop.ledger.gather(shop.program.id, [ask])
    full = with_advocates([ask], gathered, ruleset, shop.now)
    ((_, facts),) = gathered if full == [ask] else await shop.ledger.gather(shop.program.id, full)
    return facts


def canonical(member: MemberState | None) -> MemberState:
    """Lots come in no order, and more than the open ones only where a request is about them; so does history."""
    assert member is not None
    lots = tuple(sorted((lot for lot in member.lots if lot.remaining), key=lambda lot: lot.id))
    return replace(member, lots=lots, history=())


async def test_apply_agrees_with_a_fresh_gather(shop: Shop) -> None:
    await shop.enrol("anna", "ben")
    ruleset = await shop.rulesets.latest(shop.program.id)

    async def act(request: Request | ReferralRequest, *, about: Request | ReferralRequest) -> None:
        facts = await read(shop, request)
        decision = decide(ruleset, facts, request, shop.now)
        assert isinstance(decision, Accepted), decision
        assert await shop.ledger.record(shop.program.id, fold(decision.parts))
        for part in decision.parts:
            facts = apply(facts, part)
        fresh = await read(shop, about)
        assert fresh.referral == facts.referral
        assert canonical(fresh.member) == canonical(facts.member)
        if fresh.other is not None:
            assert canonical(fresh.other) == canonical(facts.other)

    def look(who: str) -> Request:
        return Adjust(shop.call(), shop.names[who], "points", 1, "why")

    await act(shop.registration("ben", by="anna", device="d" * 16), about=shop.registration("ben", by="anna"))
    await act(first := shop.order("ben"), about=look("ben"))
    await act(shop.order("ben", 2000), about=look("ben"))
    shop.now += 20 * DAY
    assert (await read(shop, look("ben"))).other is not None
    back = ReturnGoods(shop.call(), first.call.operation_id, Goods({}, amount=100))
    await act(Redeem(shop.call(), shop.names["ben"], "points", 100), about=back)
    await act(back, about=replace(back, call=shop.call()))
    await act(replace(back, call=shop.call(), goods=Goods({}, amount=4000)), about=replace(back, call=shop.call()))


async def test_who_was_brought_by_nobody_is_read_in_one_round_trip(shop: Shop) -> None:
    await shop.enrol("anna", "ben")
    ruleset = await shop.rulesets.latest(shop.program.id)
    ask = ask_for(shop.order("ben"), ruleset, now=shop.now)
    gathered = await shop.ledger.gather(shop.program.id, [ask])
    assert with_advocates([ask], gathered, ruleset, shop.now) == [ask]
    assert gathered[0][1].referral is None
