"""G7: a 4xx moved no value, ever; an unknown outcome is found out by asking again with the same key."""

import asyncio
import random
from functools import partial
from typing import Any

import httpx

from tests.harness.api import Api, fresh, order_body
from tests.harness.crowds import in_crowd, insist, size, together
from tests.harness.ledger import Ledger
from tests.harness.servers import Servers

REJECTED = size(150, 5_000)
STORM = size(250, 5_000)
KILLS = size(2, 30)

KEPT = {"idempotency", "refusal"}
"""What a refusal may write: that its key was refused, and how."""


def rejected_write(dice: random.Random, member: str, redemption: str, order: str) -> tuple[str, dict[str, Any]]:
    """Return a write that must not be accepted, by one of many reasons."""
    redeem = {"member": member, "wallet": "points", "points": 50}
    adjust = {"member": member, "wallet": "points", "points": 5, "reason": "error"}
    stranger = f"card:{fresh('c')}"
    many: list[tuple[str, dict[str, Any]]] = [
        ("/redemptions", {**redeem, "points": 100_000}),
        ("/redemptions", {**redeem, "points": 9}),
        ("/redemptions", {**redeem, "wallet": "stamps"}),
        ("/redemptions", {**redeem, "wallet": "gold"}),
        ("/redemptions", {**redeem, "member": stranger}),
        ("/redemptions", {**redeem, "points": -5}),
        (f"/redemptions/{redemption}/cancel", {"reason": "again"}),
        ("/redemptions/red_00000000000000000000000000/cancel", {"reason": "unknown"}),
        ("/adjustments", {**adjust, "points": 0}),
        ("/adjustments", {**adjust, "points": -100_000}),
        ("/adjustments", {**adjust, "member": stranger}),
        ("/orders", order_body(member, currency="USD")),
        ("/orders", order_body(member, placed_at="2999-01-01T00:00:00Z")),
        ("/orders", order_body(member, lines=[])),
        ("/orders", order_body(member, attributes={"colour": "red"})),
        ("/orders", order_body(member, pay_with_points={"wallet": "points", "points": 90_000})),
        ("/orders", order_body(None, pay_with_points={"wallet": "points", "points": 50})),
        ("/orders", order_body(member, lines=[{"amount": 10**12}, {"amount": 1}])),
        (f"/orders/{order}/claim", {"member": member}),
        ("/members", {"identities": [f"ext:{member}"]}),
        ("/members", {"identities": ["nonsense"]}),
    ]
    return dice.choice(many)


async def test_rejected_writes_moved_nothing(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member(500)
    await clients.change_member(member, add_identities=[f"ext:{member}"])
    redemption = (await clients.redeem(member, 20)).json()["id"]
    await clients.cancel_redemption(redemption)
    order = (await clients.post_order(None, 1000)).json()["id"]
    await clients.claim(order, member)
    before, dice = await ledger.counts(), random.Random(7)
    versions = await ledger.fingerprint()

    answers = await in_crowd(
        [partial(clients.post, *rejected_write(dice, member, redemption, order)) for _ in range(REJECTED)]
    )

    assert {answer.status_code for answer in answers} == {404, 409, 422}
    after = await ledger.counts()
    assert {name for name in after if after[name] != before[name]} == KEPT
    assert await ledger.fingerprint() == versions
    assert await ledger.faults() == []


async def test_a_storm_with_kills_loses_nothing_and_doubles_nothing(
    mended_servers: Servers, clients: Api, ledger: Ledger
) -> None:
    """Kill -9 of API processes amid the storm: what was acknowledged is there once, what was retried is there once."""
    members = [await clients.new_member() for _ in range(10)]
    receipts = [(order_body(members[n % 10], 100 * (1 + n % 7)), fresh("k")) for n in range(STORM)]
    acknowledged: dict[str, bytes] = {}
    unknown: list[int] = []

    async def report(number: int) -> None:
        body, key = receipts[number]
        try:
            answer = await clients.post("/orders", body, key=key)
        except httpx.TransportError:
            unknown.append(number)
            await asyncio.sleep(0.1)
            return
        if answer.status_code == 201:
            acknowledged[body["order_id"]] = answer.content
        else:
            assert answer.status_code == 503, answer.text
            unknown.append(number)

    for kill in range(KILLS):
        share = range(STORM * kill // KILLS, STORM * (kill + 1) // KILLS)
        sending = asyncio.create_task(in_crowd([partial(report, n) for n in share], people=24))
        while len(acknowledged) + len(unknown) < share.start + len(share) // 4 and not sending.done():
            await asyncio.wait({sending}, timeout=0.002)  # until it rages
        await asyncio.to_thread(mended_servers[kill % 2].restart)
        await sending

    placed = await ledger.order_ids()
    assert set(acknowledged) <= set(placed)
    for number in unknown:
        body, key = receipts[number]
        answer = await insist(clients.post, "/orders", body, key=key)
        assert answer.status_code == 201
    assert unknown

    assert sorted(await ledger.order_ids()) == sorted(body["order_id"] for body, _ in receipts)
    assert sum((await ledger.nets()).values()) == sum(body["lines"][0]["amount"] // 100 for body, _ in receipts)
    again = await together(
        insist(clients.post, "/orders", body, key=key)
        for body, key in receipts[:20]
        if body["order_id"] in acknowledged
    )
    assert {answer.headers.get("idempotent-replayed") for answer in again} == {"true"}
    assert {answer.content for answer in again} <= set(acknowledged.values())
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
