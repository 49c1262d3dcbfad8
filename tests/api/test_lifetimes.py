"""Pending points, expiry and what reads show of them: right at any moment, though no job ran."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.api import Api, code_of, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, document

Json = dict[str, Any]

WAIT = timedelta(days=14)
SHORT = timedelta(seconds=2)


def lasting(**terms: object) -> Json:
    """Return a program in UTC whose points wait and last as ``terms`` say."""
    changed = document(time_zone="UTC")
    changed["wallets"][0] |= terms
    return changed


async def new_client(client: Api, new_program: MakeProgram, **terms: object) -> Api:
    return client.acting_as((await new_program(lasting(**terms))).admin)


def ago(length: timedelta) -> str:
    return (datetime.now(UTC) - length).isoformat()


async def read(client: Api, member: str, what: str) -> Any:  # noqa: ANN401 - items of any list
    answer = await client.get(f"/members/{member}/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json().get("items", answer.json().get("balances"))


async def test_points_wait_and_can_be_spent_later_by_themselves(client: Api, new_program: MakeProgram) -> None:
    shop = await new_client(client, new_program, activation={"kind": "after", "length": {"days": 14}})
    member = await shop.new_member()
    placed = (await shop.post_order(member, 5000, placed_at=ago(WAIT - SHORT))).json()
    [waiting] = await read(shop, member, "lots")
    refused = await shop.redeem(member, 50)
    await asyncio.sleep(2.05)

    [ripe] = await read(shop, member, "lots")
    balances = await read(shop, member, "balances")
    spent = await shop.redeem(member, 50)

    assert placed["balances"] == [{"wallet": "points", "available": 0, "pending": 50, "held": 0, "debt": 0}]
    assert (waiting["status"], waiting["remaining"], code_of(refused)) == ("pending", 50, "insufficient_points")
    assert datetime.fromisoformat(waiting["available_at"]) - datetime.fromisoformat(waiting["earned_at"]) == WAIT
    assert balances == [{"wallet": "points", "available": 50, "pending": 0, "held": 0, "debt": 0}]
    assert {**waiting, "status": "available"} == ripe
    assert spent.status_code == 201


async def test_points_expire_by_themselves(client: Api, new_program: MakeProgram) -> None:
    shop = await new_client(client, new_program, expiry={"kind": "after", "length": {"days": 30}})
    member = await shop.new_member()
    await shop.post_order(member, 5000, placed_at=ago(timedelta(days=30) - SHORT))
    await shop.post_order(member, 700, placed_at=ago(timedelta(days=10)))
    before = await read(shop, member, "expirations")
    await asyncio.sleep(2.05)

    after = await read(shop, member, "expirations")
    open_lots, lots = await read(shop, member, "lots"), await read(shop, member, "lots?all=true")
    balances = await read(shop, member, "balances")
    refused = await shop.redeem(member, 10)

    assert [[(part["wallet"], part["points"]) for part in item["wallets"]] for item in before] == [
        [("points", 50)],
        [("points", 7)],
    ]
    assert after == before[1:]
    assert [(lot["remaining"], lot["status"]) for lot in open_lots] == [(7, "available")]
    assert [(lot["remaining"], lot["expired"], lot["status"]) for lot in lots] == [
        (7, 0, "available"),
        (0, 50, "expired"),
    ]
    assert balances == [{"wallet": "points", "available": 7, "pending": 0, "held": 0, "debt": 0}]
    assert refused.json()["details"] == {"needed": 10, "available": 7}


async def test_reads_and_the_next_operation_see_the_same(client: Api, new_program: MakeProgram, ledger: Ledger) -> None:
    shop = await new_client(
        client,
        new_program,
        activation={"kind": "after", "length": {"days": 5}},
        expiry={"kind": "after", "length": {"days": 30}},
    )
    member = await shop.new_member()
    for amount, age in ((1000, 30), (2000, 29), (3000, 5), (4000, 1)):
        await shop.post_order(member, amount, placed_at=ago(timedelta(days=age) - SHORT))
    await shop.hold(member, 15, ttl_seconds=1)
    await asyncio.sleep(2.05)

    balances, lots = await read(shop, member, "balances"), await read(shop, member, "lots?all=true")
    await shop.change_member(member, name="Ada")

    assert balances == [{"wallet": "points", "available": 50, "pending": 40, "held": 0, "debt": 0}]
    assert await read(shop, member, "balances") == balances
    assert await read(shop, member, "lots?all=true") == lots
    assert "time_passed" in [entry["kind"] for entry in await read(shop, member, "timeline")]
    assert await ledger.faults() == []


async def test_expirations_are_read_by_wallet_until_and_page(client: Api, new_program: MakeProgram) -> None:
    changed = lasting(expiry={"kind": "sliding", "length": {"days": 400}})
    changed["wallets"][1]["expiry"] = {"kind": "after", "length": {"days": 10}}
    changed["wallets"][2]["expiry"] = {"kind": "after", "length": {"months": 12}, "to_end_of": "month"}
    shop = client.acting_as((await new_program(changed)).admin)
    member = await shop.new_member()
    for wallet in ("stamps", "cashback", "stamps"):
        await shop.adjust(member, 10, wallet=wallet)
    await shop.post_order(member, 1000, placed_at=ago(SHORT))

    everything = await read(shop, member, "expirations")
    stamps = await read(shop, member, "expirations?wallet=stamps")
    soon = await read(shop, member, f"expirations?until={everything[0]['expires_at']}")
    first = (await shop.get(f"/members/{member}/expirations?limit=2")).json()
    last = (await shop.get(f"/members/{member}/expirations?limit=2&cursor={first['next_cursor']}")).json()

    assert [item["wallets"] for item in everything] == [
        [{"wallet": "cashback", "points": 10, "pending": 0, "slides": False}],
        [{"wallet": "stamps", "points": 20, "pending": 0, "slides": False}],
        [{"wallet": "points", "points": 10, "pending": 0, "slides": True}],
    ]
    assert sorted(item["expires_at"] for item in everything) == [item["expires_at"] for item in everything]
    assert (stamps, soon) == (everything[1:2], everything[:1])
    assert (first["items"] + last["items"], last["next_cursor"]) == (everything, None)


async def test_a_sliding_expiry_moves_on_with_activity(client: Api, new_program: MakeProgram) -> None:
    shop = await new_client(client, new_program, expiry={"kind": "sliding", "length": {"days": 90}})
    member = await shop.new_member()
    await shop.post_order(member, 5000, placed_at=ago(SHORT))
    [first] = await read(shop, member, "expirations")

    await shop.redeem(member, 10)

    [second] = await read(shop, member, "expirations")
    [lot] = await read(shop, member, "lots")
    assert first["expires_at"] < second["expires_at"]
    assert [part["points"] for part in first["wallets"] + second["wallets"]] == [50, 40]
    assert (lot["expires_at"], lot["slides"]) == (second["expires_at"], True)


async def test_points_without_expiry_are_never_listed(client: Api) -> None:
    member = await client.new_member(50)

    [lot] = await read(client, member, "lots")

    assert await read(client, member, "expirations") == []
    assert (lot["expires_at"], lot["slides"], lot["status"]) == (None, False, "available")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("until=2026-12-31", "until"),
        ("wallet=", "wallet"),
        ("limit=0", "limit"),
        ("cursor=AZrT3m9PcOOUqzLKqJfGvg", "cursor"),
        ("expires=1", "expires"),
    ],
)
async def test_expirations_are_not_read_by_nonsense(client: Api, query: str, place: str) -> None:
    member = await client.new_member()

    answer = await client.get(f"/members/{member}/expirations?{query}")

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [place])


async def test_a_late_receipt_whose_points_are_too_old_earns_none_to_spend(
    client: Api, new_program: MakeProgram
) -> None:
    shop = await new_client(client, new_program, expiry={"kind": "after", "length": {"days": 30}})
    member = await shop.new_member()

    placed = (await shop.post_order(member, 5000, placed_at=ago(timedelta(days=31)))).json()

    assert placed["balances"] == [{"wallet": "points", "available": 0, "pending": 0, "held": 0, "debt": 0}]
    [entry, _] = await read(shop, member, "timeline")
    assert entry["summary"].endswith("EUR: 50 points expired, 50 points earned")


async def test_all_lots_are_listed_however_they_came(client: Api, new_program: MakeProgram) -> None:
    program = await new_program(lasting(expiry={"kind": "after", "length": {"days": 30}}))
    shop = client.acting_as(program.admin)
    member, friend = await shop.new_member(), await shop.new_member(30)
    for amount, age in ((4000, SHORT), (3000, SHORT + timedelta(milliseconds=200))):
        await shop.post_order(member, amount, placed_at=ago(timedelta(days=30) - age))
    order = (await shop.post_order(member, 70, pay_with_points={"wallet": "points", "points": 70})).json()["id"]
    await shop.transfer(friend, member, 20)
    await shop.merge(member, friend)
    await asyncio.sleep(2.3)
    await shop.cancel_order(order)

    lots = await read(shop, member, "lots?all=true")
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await shop.get(f"/members/{member}/lots?all=true&limit=1{cursor and '&cursor='}{cursor}")).json()
        pages += page["items"]
        cursor = page["next_cursor"]

    assert [(lot["amount"], lot["remaining"], lot["status"]) for lot in lots] == [
        (40, 40, "available"),
        (30, 30, "available"),
        (10, 10, "available"),
        (20, 20, "available"),
        (30, 0, "empty"),
        (40, 0, "empty"),
    ]
    assert pages == lots
    assert len({lot["id"] for lot in lots}) == 6
    assert lots[0]["expires_at"] == lots[1]["expires_at"]
    open_lots = await read(shop, member, "lots")
    assert open_lots == lots[:4]
