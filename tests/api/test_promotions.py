"""Promotions over HTTP: what a cart gets off, what the order then is, and why others give nothing."""

import asyncio
from typing import Any

import pytest

from tests.harness.api import Api, available, now
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {
        "key": "coffee",
        "name": "10 % off coffee",
        "effect": {"kind": "percent_off", "percent": "10%", "of": {"category": ["coffee"]}},
        "metadata": {"banner": "autumn"},
    },
    {
        "key": "free_delivery",
        "when": {"fact": "order.total", "at_least": 5000},
        "effect": {"kind": "shipping_off"},
    },
    {
        "key": "welcome",
        "audience": "members",
        "effect": {"kind": "amount_off", "amount": 300},
        "limits": [{"per": "member", "times": 1}],
    },
    {
        "key": "cake",
        "when": {"lines": {"category": ["cake"]}, "quantity": {"at_least": "1"}},
        "effect": {"kind": "points", "wallet": "stamps", "points": 2},
    },
    {
        "key": "tea_week",
        "when": {"fact": "order.total", "is": 700},
        "effect": {"kind": "percent_off", "percent": "10%", "of": {"category": ["tea"]}},
        "limits": [{"per": "program", "amount": 1000, "partial": True}],
        "group": "first",
    },
]
GROUPS: list[Json] = [{"key": "first", "choose": "all", "priority": 1}]
LINES: list[Json] = [
    {"id": "a", "amount": 2000, "category": "coffee", "tax": 140},
    {"id": "b", "amount": 500, "category": "tea"},
]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": PROMOTIONS, "promotion_groups": GROUPS})


async def test_an_order_is_what_promotions_leave_of_it(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(1000)
    cart: Json = {"lines": LINES, "shipping": 490, "pay_with_points": {"wallet": "points", "points": "max"}}

    looked = (await client.evaluate(member, **cart)).json()
    placed = (await client.post_order(member, **cart)).json()

    price = {
        "list_total": 2990,
        "total": 2490,
        "lines": [{"id": "a", "amount": 1565, "off": 435}, {"id": "b", "amount": 435, "off": 65}],
        "discounts": [
            {
                "promotion": "coffee",
                "name": "10 % off coffee",
                "amount": 200,
                "lines": [{"id": "a", "amount": 200}],
                "shipping": 0,
                "metadata": {"banner": "autumn"},
            },
            {
                "promotion": "welcome",
                "name": "welcome",
                "amount": 300,
                "lines": [{"id": "a", "amount": 235}, {"id": "b", "amount": 65}],
                "shipping": 0,
                "metadata": {},
            },
        ],
        "gifts": [],
        "paid_with_points": {"wallet": "points", "points": 1000, "amount": 1000},
        "due": 1490,
        "effects": [{"type": "grant_points", "wallet": "points", "points": 11, "rule": "base"}],
    }
    assert {name: placed[name] for name in price} == price
    assert {name: looked[name] for name in price} == price
    assert [(reason["promotion"], reason["code"]) for reason in looked["promotions"]] == [
        ("coffee", "applied"),
        ("free_delivery", "condition_failed"),
        ("welcome", "applied"),
        ("tea_week", "condition_failed"),
    ]
    assert looked["promotions"][1]["miss"]["missing"] == 2500
    assert await ledger.faults() == []


async def test_an_order_is_read_with_what_promotions_took_off(client: Api) -> None:
    order = (await client.post_order(await client.new_member(), lines=LINES, shipping=490)).json()["id"]

    read = (await client.get(f"/orders/{order}")).json()

    assert (read["goods_total"], read["shipping"], read["total"], read["off"]) == (2000, 490, 2490, 500)
    assert [(line["amount"], line["off"], line["tax"]) for line in read["lines"]] == [(1565, 435, 109), (435, 65, 0)]
    assert read["promotions"] == [
        {"promotion": "coffee", "amount": 200, "shipping": 0, "code": None},
        {"promotion": "welcome", "amount": 300, "shipping": 0, "code": None},
    ]


async def test_what_a_member_may_have_once_is_had_once(client: Api) -> None:
    member = await client.new_member()
    first = (await client.post_order(member, lines=LINES)).json()
    second = (await client.post_order(member, lines=LINES)).json()

    assert [discount["promotion"] for discount in first["discounts"]] == ["coffee", "welcome"]
    assert [discount["promotion"] for discount in second["discounts"]] == ["coffee"]

    explained = (await client.get(f"/operations/{second['operation_id']}/explanation")).json()

    assert [(reason["promotion"], reason["code"]) for reason in explained["promotions"]] == [
        ("coffee", "applied"),
        ("free_delivery", "condition_failed"),
        ("welcome", "limit_reached"),
        ("cake", "condition_failed"),
        ("tea_week", "condition_failed"),
    ]
    assert explained["text"][-5:-1] == [
        "coffee: applied, takes 200 off",
        "free_delivery: not applied, needs order.total at least 5000, was 2500 (2500 missing)",
        "welcome: not applied, the limit of 1 time per member is reached (1 used); would take 300 off",
        "cake: not applied, needs lines.quantity of lines with category cake at least 1, was 0 (1 missing)",
    ]


async def test_promotions_of_guests_and_points(client: Api) -> None:
    guest = (await client.post_order(None, lines=LINES, shipping=490)).json()
    assert ([one["promotion"] for one in guest["discounts"]], guest["total"]) == (["coffee"], 2790)

    member = await client.new_member()
    cake = (await client.post_order(member, lines=[{"amount": 400, "category": "cake"}])).json()
    assert cake["effects"][-1] == {"type": "grant_points", "wallet": "stamps", "points": 2, "promotion": "cake"}
    assert available(cake, "stamps") == 2


async def test_a_budget_that_all_share_is_never_overdrawn(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(8)]
    carts = [clients.post_order(member, lines=[{"amount": 700, "category": "tea"}]) for member in members * 5]

    given = [answer.json() for answer in await asyncio.gather(*carts)]

    taken = [one["amount"] for order in given for one in order["discounts"] if one["promotion"] == "tea_week"]
    assert sorted(taken) == [20, *[70] * 14]
    assert await ledger.faults() == []


async def test_a_look_tells_what_would_give_more(client: Api) -> None:
    looked = (await client.evaluate(lines=[*LINES, {"amount": 2000}], shipping=490)).json()

    assert looked["nudges"] == [
        {
            "promotion": "free_delivery",
            "name": "free_delivery",
            "measure": "amount",
            "needed": 5000,
            "actual": 4500,
            "missing": 500,
            "effect": {"kind": "shipping_off"},
        }
    ]
    enough = (await client.evaluate(lines=[*LINES, {"amount": 2500}], shipping=490)).json()
    assert enough["nudges"] == []
    assert "free_delivery" in [discount["promotion"] for discount in enough["discounts"]]


async def test_a_promotion_may_be_for_one_member_only(client: Api, program: Program) -> None:
    one, other = await client.new_member(), await client.new_member()
    mine = {"key": "mine", "when": {"fact": "member.id", "is": one}, "effect": {"kind": "amount_off", "amount": 50}}
    await program.publish({**document(), "promotions": [mine]})

    totals = [(await client.evaluate(who, 1000)).json()["total"] for who in (one, other, None)]

    assert totals == [950, 1000, 1000]


async def test_multiplied_points_come_on_top_also_of_a_claimed_order(client: Api) -> None:
    promotion = {"key": "double", "effect": {"kind": "points_times", "wallet": "points", "factor": 2}}
    put = await client.send(
        "PUT", "/program", body={**document(), "promotions": [promotion]}, headers={"if-match": "*"}
    )
    assert put.status_code == 200, put.text
    member = await client.new_member()

    looked = (await client.evaluate(member, 2000, placed_at=now())).json()
    placed = (await client.post_order(member, 2000, placed_at=now())).json()
    guest = (await client.post_order(None, 1000, placed_at=now())).json()
    claimed = (await client.claim(guest["id"], member)).json()

    grants = [
        {"type": "grant_points", "wallet": "points", "points": 20, "rule": "base"},
        {"type": "grant_points", "wallet": "points", "points": 20, "promotion": "double"},
    ]
    assert looked["effects"] == placed["effects"] == grants
    assert available(placed) == 40
    assert available(claimed) == 60
