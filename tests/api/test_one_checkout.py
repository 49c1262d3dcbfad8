"""One call at the checkout does it all: points pay, a promo code and a tier take off, a friend is brought, the order leads up."""

from typing import Any, Final

import pytest

from tests.harness.api import Api, available, fresh, order_body
from tests.harness.codes import share_code
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.referrals import FRIENDS, WELCOME, code_of_member

Json = dict[str, Any]

STATUS: Final[Json] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "lifetime"},
    "tiers": [
        {"key": "new", "at_least": 0, "privileges": {"multipliers": [{"wallet": "points", "factor": 2}]}},
        {"key": "silver", "at_least": 5_000, "privileges": {"discount": {"percent": "10%"}}},
    ],
}
AUTUMN: Final[Json] = {
    "key": "autumn",
    "opened_by": "code",
    "priority": 10,
    "effect": {"kind": "amount_off", "amount": 500},
}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    rules = {**document(), "tier_sets": [STATUS], "promotions": [WELCOME, AUTUMN], "referrals": [dict(FRIENDS)]}
    return await new_program(rules, is_sandbox=True)


async def test_one_call_earns_redeems_and_leads_up_with_a_code_and_a_friend(client: Api, ledger: Ledger) -> None:
    await share_code(client, "AUTUMN-26", "autumn", limits=[{"times": 1, "per": "code"}])
    advocate, friend = await client.new_member(), await client.new_member(points=300)
    brought = {"code": await code_of_member(client, advocate)}
    body = order_body(
        friend,
        10_000,
        placed_at=(await client.get("/program/clock")).json()["now"],
        codes=["autumn-26"],
        pay_with_points={"wallet": "points", "points": 200},
        brought_by=brought,
    )
    key = fresh("k")

    looked = (await client.send("POST", "/evaluations", body=body)).json()
    placed, again = await client.post("/orders", body, key=key), await client.post("/orders", body, key=key)

    order = placed.json()
    told = ("total", "due", "discounts", "codes", "effects", "paid_with_points", "balances")
    assert placed.status_code == 201, placed.text
    assert {discount["promotion"]: discount["amount"] for discount in order["discounts"]} == {
        "autumn": 500,
        "welcome": 1_000,
    }
    assert (order["total"], order["due"], order["paid_with_points"]["amount"]) == (8_500, 8_300, 200)
    assert {effect["rule"]: effect["points"] for effect in order["effects"]} == {
        "base": 83,
        "tier/status/new/points": 83,
    }
    for answer in (looked, order):
        assert [(move["from"], move["tier"]) for move in answer["tiers"]] == [("new", "silver")]
    assert order["referral"]["state"] == "registered"
    assert available(order) == 300 - 200 + 166
    assert {name: looked[name] for name in told} == {name: order[name] for name in told}
    assert again.content == placed.content
    assert await ledger.faults() == []


async def test_the_next_one_is_cheaper_by_the_tier_and_a_return_undoes_what_it_led_to(
    client: Api, ledger: Ledger
) -> None:
    member = await client.new_member()
    placed_at = (await client.get("/program/clock")).json()["now"]
    first = (await client.post_order(member, 5_000, placed_at=placed_at)).json()

    second = (await client.post_order(member, 1_000, placed_at=placed_at)).json()
    returned = (await client.take_back(first["id"], "1")).json()
    third = (await client.post_order(member, 1_000, placed_at=placed_at)).json()

    assert [order["total"] for order in (first, second, third)] == [5_000, 900, 1_000]
    assert [(move["from"], move["tier"]) for move in returned["tiers"]] == [("silver", "new")]
    assert await ledger.faults() == []
