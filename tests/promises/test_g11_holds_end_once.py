"""G11: a hold ends once, whoever races for it; what was captured is at most what was held."""

import asyncio
import random
from collections import Counter
from functools import partial
from typing import Any

import httpx

from tests.harness.api import Api, code_of
from tests.harness.crowds import in_crowd, insist, shuffled, size, together
from tests.harness.ledger import Ledger

HOLDS = size(60, 2_000)
HOLDS_EACH = 20
POINTS = 100
HELD = 60
RIVALS = ("capture", "part", "void")


async def end(clients: Api, hold: str, how: str) -> httpx.Response:
    match how:
        case "capture":
            return await insist(clients.capture, hold, key=f"{hold}/{how}")
        case "part":
            return await insist(clients.capture, hold, 25, key=f"{hold}/{how}")
        case _:
            return await insist(clients.void, hold, key=f"{hold}/{how}")


async def race(clients: Api, hold: str, *, seed: int) -> list[httpx.Response]:
    """Let three rivals end a hold at once, in an order of their own for each hold."""
    rivals = random.Random(seed).sample(RIVALS, len(RIVALS))
    return await together(end(clients, hold, how) for how in rivals)


def captured_of(answer: dict[str, Any]) -> int:
    assert answer["captured"] + answer["released"] == answer["points"] == HELD
    assert (answer["status"] == "voided") == (answer["captured"] == 0)
    captured: int = answer["captured"]
    return captured


async def test_a_hold_raced_by_three_ends_once(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member(POINTS * HOLDS_EACH) for _ in range(HOLDS // HOLDS_EACH)]
    holds = [(await clients.hold(member, HELD)).json()["id"] for member in members for _ in range(HOLDS_EACH)]

    races = await in_crowd(
        [partial(race, clients, hold, seed=n) for n, hold in enumerate(shuffled(holds, seed=11))], people=8
    )

    captured: Counter[str] = Counter()
    for answers in races:
        [ended] = [answer.json() for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer.status_code != 200]
        assert {code_of(answer) for answer in lost} == {"hold_ended"}
        assert {answer.json()["details"]["captured"] for answer in lost} == {ended["captured"]}
        captured[ended["member_id"]] += captured_of(ended)
    for member in members:
        [balance] = (await clients.get(f"/members/{member}/balances")).json()["balances"]
        assert (balance["available"], balance["held"]) == (POINTS * HOLDS_EACH - captured[member], 0)
    assert await ledger.count("hold", "ended_by IS NULL") == 0
    assert await ledger.faults() == []


async def test_a_hold_raced_against_its_end_in_time_ends_once(clients: Api, ledger: Ledger) -> None:
    """Each lasts one second, and the rivals come about when it is over."""
    members = [await clients.new_member(POINTS) for _ in range(max(HOLDS // 20, 10))]

    async def play(member: str, pause: float, *, seed: int) -> Counter[str]:
        held = (await insist(clients.hold, member, HELD, ttl_seconds=1, key=f"{member}/hold")).json()
        await asyncio.sleep(0.9 + pause)
        answers = await race(clients, held["id"], seed=seed)
        codes = Counter("ended" if a.status_code == 200 else code_of(a) for a in answers)
        won = [captured_of(a.json()) for a in answers if a.status_code == 200]
        await asyncio.sleep(0.5)
        [balance] = (await clients.get(f"/members/{member}/balances")).json()["balances"]
        assert (balance["available"], balance["held"]) == (POINTS - sum(won), 0)
        return codes

    seen = await together(play(member, n % 8 / 40, seed=n) for n, member in enumerate(members))

    for codes in seen:
        assert codes["ended"] <= 1
        assert codes["hold_ended" if codes["ended"] else "hold_expired"] >= 1
        assert sum(codes.values()) == codes["ended"] + codes["hold_ended"] + codes["hold_expired"] == len(RIVALS)
    assert await ledger.faults() == []


async def test_more_is_never_captured_than_was_held(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member(POINTS)
    hold = (await clients.hold(member, HELD)).json()["id"]

    answers = await together(clients.capture(hold, points) for points in (61, 100, 61, 1_000_000))

    assert {code_of(answer) for answer in answers} == {"capture_exceeds_hold"}
    assert (await clients.capture(hold)).json()["captured"] == HELD
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
