"""G12 with reservations: what one of them holds nobody else has, however it ends, and what nobody comes back for is free again."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import httpx
import pytest

from tests.harness.api import Api, code_of, fresh
from tests.harness.codes import share_code
from tests.harness.crowds import in_crowd, insist, shuffled, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers

Json = dict[str, Any]
End = Literal["confirmed", "released", "replaced", "left", "refused"]

TIMES = size(10, 100)
TRIES = size(80, 1_000)
ROUNDS = size(1, 20)
RIVALS = size(30, 100)
KILLS = size(1, 20)
CAP = 100 * TIMES - 50

PROMOTIONS: list[Json] = [
    {"key": "welcome", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 300}},
    {
        "key": "budget",
        "effect": {"kind": "percent_off", "percent": "10%"},
        "limits": [{"per": "program", "amount": CAP, "partial": True}],
    },
]
LINES: list[Json] = [{"amount": 1000}]
CODE = "WELCOME"


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    """A shop whose clock can be moved, so that what is left behind runs out at once."""
    return await new_program({**document(), "promotions": PROMOTIONS}, is_sandbox=True)


@pytest.fixture(autouse=True)
async def code(client: Api) -> None:
    await share_code(client, CODE, "welcome", limits=[{"per": "code", "times": TIMES}])


async def reserve(clients: Api, member: str | None, *, key: str | None = None, **fields: object) -> httpx.Response:
    body = {"currency": "EUR", "lines": LINES, "member": member, "codes": [CODE], "ttl_seconds": 3600, **fields}
    return await clients.post(
        "/reservations", {name: value for name, value in body.items() if value is not None}, key=key
    )


async def confirm(clients: Api, held: Json, *, key: str | None = None, order_id: str | None = None) -> httpx.Response:
    return await clients.post(f"/reservations/{held['id']}/confirm", {"order_id": order_id or fresh("w")}, key=key)


async def release(clients: Api, held: Json) -> httpx.Response:
    return await clients.post(f"/reservations/{held['id']}/release", {})


async def check_out(clients: Api, member: str | None, dice: random.Random) -> tuple[End, Json | None]:
    """Reserve with the code and end that in some way; what ends it is sent several times at once, and counts once."""
    answer = await reserve(clients, member)
    if answer.status_code != 201:
        assert code_of(answer) == "promo_code_refused", answer.text
        return "refused", None
    held = answer.json()
    match dice.choice(("confirm", "confirm", "release", "replace", "leave")):
        case "confirm":
            order = fresh("w")
            confirmed = await together(confirm(clients, held, order_id=order) for _ in range(2))
            assert {one.status_code for one in confirmed} == {201}
            assert {one.json()["total"] for one in confirmed} == {held["total"]}
            assert confirmed[0].content == confirmed[1].content
            return "confirmed", confirmed[0].json()
        case "release":
            released = await together(release(clients, held) for _ in range(3))
            assert sorted(one.status_code for one in released) == [200, 409, 409]
            return "released", None
        case "replace":
            # Even the last use is there for the reservation that takes the place of the one which holds it.
            replaced = await reserve(clients, member, replaces=held["id"])
            assert replaced.status_code == 201, replaced.text
            assert (await release(clients, replaced.json())).status_code == 200
            return "replaced", None
        case _:
            return "left", held


async def check_out_all(
    clients: Api, members: Sequence[str | None], *, seed: int
) -> tuple[Counter[End], list[Json], list[Json]]:
    """Let all of them check out, many at a time; return how that ended, the orders, and what was left behind."""
    acts = [
        partial(check_out, clients, member, random.Random(f"{seed} {number}")) for number, member in enumerate(members)
    ]
    done = await in_crowd(acts, people=32)
    orders = [body for end, body in done if end == "confirmed" and body is not None]
    left = [body for end, body in done if end == "left" and body is not None]
    return Counter(end for end, _ in done), orders, left


def saved(orders: Sequence[Json], promotion: str) -> int:
    """Return what a promotion took off all orders."""
    return sum(one["amount"] for order in orders for one in order["discounts"] if one["promotion"] == promotion)


async def use_up(clients: Api) -> int:
    """Reserve as often as the code allows; return how often that was."""
    answers = await in_crowd([partial(reserve, clients, None)] * (TIMES + 5), people=16)
    assert {409} <= {answer.status_code for answer in answers} <= {201, 409}
    return [answer.status_code for answer in answers].count(201)


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_reservations_hold_and_free_exactly(clients: Api, ledger: Ledger, round_: int) -> None:
    members: list[str | None] = [await clients.new_member() for _ in range(9)]
    everybody = shuffled([*members, None] * (TRIES // 10), seed=round_)

    ends, orders, left = await check_out_all(clients, everybody, seed=round_)

    assert ends["confirmed"] == saved(orders, "welcome") // 300
    assert ends["confirmed"] + ends["left"] <= TIMES
    assert saved([*orders, *left], "budget") <= CAP
    assert await use_up(clients) == TIMES - ends["confirmed"] - ends["left"]

    moved = await clients.post("/program/clock", {"forward": {"days": 1}})
    assert moved.status_code == 200, moved.text
    assert [code_of(await confirm(clients, held)) for held in left] == ["reservation_expired"] * len(left)
    assert await use_up(clients) == TIMES - ends["confirmed"]
    assert await ledger.count("counter", "key = 'code/WE1C0ME/times/lifetime/' AND used = $2", ends["confirmed"]) == 1
    assert await ledger.faults() == []


async def test_the_last_use_is_reserved_by_one(clients: Api, ledger: Ledger) -> None:
    assert await use_up(clients) == TIMES
    await clients.post("/program/clock", {"forward": {"days": 1}})
    for _ in range(TIMES - 1):
        assert (await reserve(clients, None)).status_code == 201

    members = [await clients.new_member() for _ in range(RIVALS)]
    answers = await together(
        [reserve(clients, member) for member in members]
        + [clients.post_order(member, codes=[CODE]) for member in members]
    )

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * (2 * RIVALS - 1)]
    assert await ledger.faults() == []


async def test_a_cart_is_confirmed_for_what_was_promised_after_its_process_was_killed(
    clients: Api, mended_servers: Servers, program: Program, ledger: Ledger
) -> None:
    for number in range(KILLS):
        doomed = mended_servers.processes[number % 2]
        member = await clients.new_member(100)
        async with Api(doomed.url, program.admin) as api:
            pay = {"wallet": "points", "points": 100}
            held = (await reserve(api, member, pay_with_points=pay)).json()
            abandoned = (await reserve(api, None)).json()
            doomed.kill()
        async with Api(mended_servers.processes[1 - number % 2].url, program.admin) as api:
            confirmed = await confirm(api, held)
            assert (confirmed.status_code, confirmed.json()["due"]) == (201, held["due"])
            shown = (await api.get(f"/reservations/{abandoned['id']}")).json()
            assert shown["state"] == "open"
        doomed.restart()
    await clients.post("/program/clock", {"forward": {"days": 1}})

    assert await use_up(clients) == TIMES - KILLS
    assert await ledger.faults() == []


async def test_a_process_killed_amid_confirmations_confirms_each_once(
    clients: Api, mended_servers: Servers, ledger: Ledger
) -> None:
    held = [(await reserve(clients, None)).json() for _ in range(TIMES // 2)]
    keys = {one["id"]: (fresh("k"), fresh("w")) for one in held}

    async def insist_on(one: Json) -> httpx.Response:
        key, order = keys[one["id"]]
        return await insist(confirm, clients, one, key=key, order_id=order)

    async def kill() -> None:
        await asyncio.sleep(0.05)
        await asyncio.to_thread(mended_servers.processes[0].restart)

    *answers, _ = await together([*(insist_on(one) for one in shuffled(held * 2, seed=1)), kill()])

    assert {answer.status_code for answer in answers if answer is not None} == {201}
    assert len({answer.json()["id"] for answer in answers if answer is not None}) == len(held)
    assert await ledger.count("reservation_end") == len(held)
    assert await use_up(clients) == TIMES - len(held)
    assert await ledger.faults() == []
