"""A changed plan is published while members pay for it: each payment is judged by one revision or the other, as a whole."""

import asyncio
import random
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest

from tests.harness.api import Api, fresh, now
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PAYERS: Final = size(60, 600)
ROUNDS: Final = size(10, 100)
TERMS: Final = {3000: 30 * 86_400, 4000: 60 * 86_400}
"""What a term costs before and after, and how many seconds it has."""


def shop(*plans: Json) -> Json:
    return {**document(time_zone="UTC"), "plans": list(plans)}


def club(price: int) -> Json:
    return {"key": "club", "price": price, "term": {"days": TERMS[price] // 86_400}}


PLUS: Final[Json] = {"key": "plus", "price": 9000, "term": {"months": 12}}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(shop(club(3000), PLUS))


async def pay(clients: Api, member: str, amount: int) -> httpx.Response:
    body = {"payment": fresh("p"), "amount": amount, "currency": "EUR", "paid_at": now()}
    return await clients.post(f"/members/{member}/plans/club/payments", body)


async def plans_of(clients: Api, member: str) -> list[Json]:
    answer = await clients.get(f"/members/{member}/plans")
    assert answer.status_code == HTTPStatus.OK, answer.text
    plans: list[Json] = answer.json()["plans"]
    return plans


async def publish(clients: Api, written: Json) -> httpx.Response:
    return await clients.send("PUT", "/program", body=written, headers={"If-Match": "*"})


async def race(
    clients: Api, members: list[str], written: Json
) -> tuple[httpx.Response, list[tuple[str, int, httpx.Response]]]:
    """Publish while each member pays one of both prices, after a drawn moment; return what all were answered."""
    dice = random.Random("plans race")

    async def pay_soon(member: str, amount: int) -> tuple[str, int, httpx.Response]:
        await asyncio.sleep(dice.uniform(0, 1.5))
        return member, amount, await pay(clients, member, amount)

    async def publish_soon() -> httpx.Response:
        await asyncio.sleep(0.5)
        return await publish(clients, written)

    payments = [pay_soon(member, dice.choice([*TERMS])) for member in members]
    publishing = asyncio.create_task(publish_soon())
    paid = await asyncio.gather(*payments)
    return await publishing, paid


@pytest.mark.slow
async def test_a_price_and_a_term_change_together(clients: Api, program: Program, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(PAYERS)]
    revision = (await clients.get("/program")).json()["revision"]
    old, new = revision, revision + 1

    published, paid = await race(clients, members, shop(club(4000), PLUS))

    assert (published.status_code, published.json()["revision"]) == (HTTPStatus.OK, new)
    judged: set[tuple[object, ...]] = set()
    for member, amount, answer in paid:
        plans = await plans_of(clients, member)
        if answer.status_code != HTTPStatus.CREATED:
            refused = answer.json()
            judged.add((amount, refused["code"], refused["details"]["price"] == amount))
            assert plans == []
            continue
        told = answer.json()
        judged.add((amount, told["revision"]))
        [held] = plans
        [payment] = held["payments"]
        assert (told["amount"], payment["amount"]) == (amount, amount)
        assert seconds_between(told["membership"]["since"], told["membership"]["paid_until"]) == TERMS[amount]
        assert (held["since"], held["paid_until"]) == (told["membership"]["since"], told["membership"]["paid_until"])
    assert judged == {
        (3000, old),
        (4000, new),
        (3000, "payment_amount_mismatch", False),
        (4000, "payment_amount_mismatch", False),
    }
    assert await ledger.faults() == []


@pytest.mark.slow
async def test_a_plan_that_is_taken_away_was_paid_for_by_all_or_by_none(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    members = [await clients.new_member() for _ in range(PAYERS)]
    removed, paid = await race(clients, members, shop(PLUS))

    assert (removed.status_code, [fault["code"] for fault in removed.json()["errors"]]) == (422, ["plan_in_use"])
    for member, amount, answer in paid:
        held = [plan["state"] for plan in await plans_of(clients, member)]
        is_paid = amount == 3000
        assert (answer.status_code, held) == ((201, ["active"]) if is_paid else (422, []))
    assert await ledger.faults() == []


@pytest.mark.slow
async def test_a_plan_that_goes_as_somebody_pays_is_paid_for_by_who_still_saw_it(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    for _ in range(ROUNDS):
        await publish(clients, shop(club(3000), PLUS))
        revision = (await clients.get("/program")).json()["revision"]
        members = [await clients.new_member() for _ in range(4)]

        removed, *paid = await asyncio.gather(
            publish(clients, shop(PLUS)), *(pay(clients, member, 3000) for member in members)
        )

        assert removed.status_code in {HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY}
        await publish(clients, shop({**club(3000), "sold": False}, PLUS))
        for member, answer in zip(members, paid, strict=True):
            held = [plan["state"] for plan in await plans_of(clients, member)]
            if answer.status_code == HTTPStatus.CREATED:
                assert (answer.json()["revision"], held) == (revision, ["active"])
                left = await clients.post(f"/members/{member}/plans/club/cancel", {"reason": "left", "at_once": True})
                assert left.status_code == HTTPStatus.OK, left.text
            else:
                assert (answer.json()["code"], held) == ("plan_not_found", [])
    assert await ledger.faults() == []


def seconds_between(start: str, end: str) -> int:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
