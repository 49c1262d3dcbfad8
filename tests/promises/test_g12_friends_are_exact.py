"""G12 with referrals: whoever brings friends gets exactly what its ladder and its limits say, however many come at once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest

from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.kernel.instants import parse_instant
from tests.harness.api import Api, code_of, fresh
from tests.harness.crowds import size, together
from tests.harness.friends import open_shop
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.referrals import FRIENDS, buy, code_of_member, pass_days, points_of, register, see_referral
from tests.harness.servers import Servers, serve

Json = dict[str, Any]

CROWD = size(50, 200)
ROUNDS = size(5, 100)
AT_ONCE: Final = {"kind": "order", "at_least": 3000}


def rules(**changes: Any) -> Json:  # noqa: ANN401 - fields of the programme
    """Return a program that earns nothing but by friends, as many a day as come."""
    return {**document(), "earning_rules": [], "referrals": [{**FRIENDS, "guards": {"per_day": None}, **changes}]}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(rules(qualifies=AT_ONCE))


async def crowd(clients: Api, people: int) -> list[str]:
    return await together(clients.new_member() for _ in range(people))


async def bring(clients: Api, friend: str, code: str) -> httpx.Response:
    """Let a friend come along with its first order."""
    now = datetime.now(UTC).isoformat()
    return await clients.post_order(friend, 5000, placed_at=now, brought_by={"code": code}, key=fresh("k"))


async def test_the_ladder_and_the_limit_hold_for_all_who_come_at_once(clients: Api, ledger: Ledger) -> None:
    anna, *friends = await crowd(clients, CROWD + 1)
    code = await code_of_member(clients, anna)

    answers = await together(bring(clients, friend, code) for friend in friends)

    assert {answer.status_code for answer in answers} == {201}
    told = [answer.json()["referral"] for answer in answers]
    assert {referral["state"] for referral in told} == {"rewarded"}
    assert [referral["reasons"] for referral in told] == [[]] * CROWD
    whole = await together(see_referral(clients, referral["id"]) for referral in told)
    reasons = [reason["reason"] for referral in whole for reason in referral["reasons"]]
    assert reasons == ["limit_reached"] * (CROWD - 10)
    assert await points_of(clients, anna) == 2 * 500 + 8 * 800
    assert {await points_of(clients, friend) for friend in friends} == {300}
    counters = await ledger.connection.fetchval(
        "SELECT counters ->> 'referral/friends/friends/lifetime/' FROM member WHERE id = $1", read_id("mem", anna)
    )
    assert counters == str(CROWD)
    assert await ledger.faults() == []


async def test_so_many_register_on_one_day_and_the_others_wait(servers: Servers, new_program: MakeProgram) -> None:
    program = await new_program(rules(guards={"per_day": 20}))
    async with Api(servers.urls, program.admin) as clients, Ledger.open(program) as ledger:
        anna, *friends = await crowd(clients, CROWD + 1)
        code = await code_of_member(clients, anna)

        answers = await together(register(clients, friend, code) for friend in friends)

        states = sorted(answer.json()["state"] for answer in answers)
        assert states == ["in_review"] * (CROWD - 20) + ["registered"] * 20
        assert await ledger.faults() == []


async def claim(clients: Api, friend: str, codes: Sequence[str]) -> list[httpx.Response]:
    """Let advocates claim one friend at once, twice each: on its own, and with its first order."""
    return await together(
        [register(clients, friend, code) for code in codes] + [bring(clients, friend, code) for code in codes]
    )


async def test_one_of_two_advocates_has_the_friend_whom_both_claim(clients: Api, ledger: Ledger) -> None:
    advocates = await crowd(clients, 2)
    codes = [await code_of_member(clients, advocate) for advocate in advocates]
    for friend in await crowd(clients, ROUNDS):
        answers = await claim(clients, friend, codes)
        row = await ledger.connection.fetch(
            "SELECT advocate_id, state FROM referral WHERE friend_id = $1", read_id("mem", friend)
        )
        assert [each["state"] for each in row] == ["rewarded"]
        refused = [code_of(answer) for answer in answers[:2] if answer.status_code != 201]
        assert set(refused) <= {"referral_exists", "friend_not_new"}
        assert refused
        assert [answer.status_code for answer in answers[2:]] == [201, 201]
    total = sum([await points_of(clients, advocate) for advocate in advocates])
    rewarded = await ledger.connection.fetch(
        "SELECT count(*) AS friends FROM referral WHERE program_id = $1 GROUP BY advocate_id", ledger.program_id
    )
    assert total == sum(500 * min(each["friends"], 2) + 800 * max(each["friends"] - 2, 0) for each in rewarded)
    assert await ledger.faults() == []


@pytest.mark.parametrize("device", [None, "d" * 32])
async def test_a_ring_of_accounts_with_cancelled_orders_earns_nothing(
    servers: Servers,
    new_program: MakeProgram,
    device: str | None,
) -> None:
    program = await new_program(rules(), is_sandbox=True)
    seen: Json = {} if device is None else {"fingerprints": [{"kind": "device", "digest": device}]}
    async with Api(servers.urls, program.admin) as clients, Ledger.open(program) as ledger:
        ring = await crowd(clients, CROWD)
        codes = await together(code_of_member(clients, member) for member in ring)
        answers = await together(
            register(clients, friend, codes[number - 1], **seen) for number, friend in enumerate(ring)
        )
        assert {answer.status_code for answer in answers} == {201}
        orders = await together(buy(clients, member) for member in ring)
        await together(clients.cancel_order(order["id"]) for order in orders)
        await pass_days(clients, 20)
        await reward_all(program, clients)
        await together(buy(clients, member, 100) for member in ring)

        assert {await points_of(clients, member) for member in ring} == {0}
        assert await ledger.count("operation", "kind = 'referral_reward'") == 0
        assert await ledger.faults() == []


async def reward_all(program: Program, clients: Api) -> int:
    """Let a worker come by, at the program's clock."""
    async with open_shop(program) as shop:
        shop.now = parse_instant((await clients.get("/program/clock")).json()["now"])
        return (await shop.reward()).referrals


async def test_what_comes_back_while_it_is_rewarded_is_taken_back_or_never_given(
    servers: Servers,
    new_program: MakeProgram,
) -> None:
    program = await new_program(rules(), is_sandbox=True)
    async with Api(servers.urls, program.admin) as clients, Ledger.open(program) as ledger:
        anna, bert, *friends = await crowd(clients, CROWD + 2)
        codes = [await code_of_member(clients, advocate) for advocate in (anna, bert)]
        await together(register(clients, friend, codes[number % 2]) for number, friend in enumerate(friends))
        orders = await together(buy(clients, friend) for friend in friends)
        now = await pass_days(clients, 15)

        gone = orders[::2]
        acts = [clients.cancel_order(order["id"]) for order in gone]
        acts += [clients.post_order(friend, 900, placed_at=now) for friend in friends[1::3]]
        _, answers = await asyncio.gather(together(reward_all(program, clients) for _ in range(2)), together(acts))
        await reward_all(program, clients)

        assert {answer.status_code for answer in answers} <= {200, 201}
        states = await ledger.connection.fetch(
            "SELECT friend_id, state FROM referral WHERE program_id = $1", ledger.program_id
        )
        by_friend = {row["friend_id"]: row["state"] for row in states}
        assert {by_friend[read_id("mem", friend)] for friend in friends[1::2]} == {"rewarded"}
        assert {by_friend[read_id("mem", friend)] for friend in friends[::2]} <= {"reversed", "registered"}
        assert {await points_of(clients, friend) for friend in friends[::2]} == {0}
        assert {await points_of(clients, friend) for friend in friends[1::2]} == {300}
        assert await ledger.faults() == []


@pytest.mark.slow
async def test_friends_whom_nobody_guards_are_promised_to_both(database_url: str, program: Program) -> None:
    with serve(database_url, count=2, module="tests.harness.staged", TEST_FAULT="dropped guards") as servers:
        async with Api(servers.urls, program.admin) as clients:
            codes = [await code_of_member(clients, advocate) for advocate in await crowd(clients, 2)]
            for friend in await crowd(clients, 50):
                answers = await together(register(clients, friend, code) for code in codes)
                if [answer.status_code for answer in answers] == [201, 201]:
                    return
    pytest.fail("nobody was promised to both")
