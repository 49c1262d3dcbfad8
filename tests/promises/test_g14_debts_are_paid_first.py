"""G14: what a clawback finds spent becomes a debt that everybody sees, and that later earnings pay before anything else."""

import random
from functools import partial
from typing import Any

from tests.harness.api import Api, fresh
from tests.harness.crowds import in_crowd, insist, size
from tests.harness.ledger import Ledger

FLOWS = size(30, 500)

Row = dict[str, Any]


async def points_of(clients: Api, member: str) -> tuple[int, int]:
    """Return what a member has and owes."""
    [row] = (await clients.get(f"/members/{member}/balances")).json()["balances"]
    return row["available"], row["debt"]


async def flow(clients: Api, seed: int) -> None:
    dice = random.Random(seed)
    member = (await insist(clients.enrol, f"card:{fresh('m')}", key=fresh("k"))).json()["id"]
    earned, spent = dice.randint(50, 400), 0
    order = (await insist(clients.post_order, member, earned * 100, key=fresh("k"), order_id=fresh("o"))).json()
    spent = dice.randint(10, earned)
    await insist(clients.redeem, member, spent, key=fresh("k"))

    back = await insist(clients.cancel_order, order["id"], key=fresh("k"))

    debt = spent
    [taken] = back.json()["taken"]
    assert taken == {"wallet": "points", "points": earned, "owed": debt, "forgiven": 0}
    assert await points_of(clients, member) == (0, debt)
    owes = await insist(clients.redeem, member, 10, key=fresh("k"))
    assert (owes.status_code, owes.json()["code"]) == (409, "insufficient_points")
    while debt:
        earned = dice.randint(1, 150)
        paid = await insist(clients.post_order, member, earned * 100, key=fresh("k"), order_id=fresh("o"))
        debt, left = max(debt - earned, 0), max(earned - debt, 0)
        [row] = paid.json()["balances"]
        assert (row["available"], row["debt"]) == (left, debt) == await points_of(clients, member)


async def test_a_debt_is_seen_and_paid_by_what_is_earned_next(clients: Api, ledger: Ledger) -> None:
    await in_crowd([partial(flow, clients, seed) for seed in range(FLOWS)])

    assert await ledger.count("posting", "source = 'available' AND destination = 'debt'") >= FLOWS
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
