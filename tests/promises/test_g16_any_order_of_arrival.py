"""G16: in which order receipts and returns arrive does not change where everything ends.

That holds for receipts that no limit and no history of the member decides about, and that nobody pays with points.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.harness.api import Api, fresh, order_body
from tests.harness.crowds import in_crowd, insist, shuffled, size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, document

SETS = size(10, 300)
ORDERS = size(5, 10)

Json = dict[str, Any]
Sending = tuple[str, Json]


def shop() -> Json:
    """Points that expire by themselves, stamps that wait a while, money that slides, and a bonus for big receipts."""
    changed = document()
    points, cashback, stamps = changed["wallets"]
    points["expiry"] = {"kind": "after", "length": {"days": 200}, "to_end_of": "quarter"}
    cashback["expiry"] = {"kind": "sliding", "length": {"days": 60}}
    stamps["activation"] = {"kind": "after", "length": {"days": 10}}
    changed["earning_rules"] += [
        {
            "key": "big",
            "wallet": "points",
            "when": {"fact": "order.total", "at_least": 5000},
            "earn": {"kind": "fixed", "points": 25},
        },
        {"key": "stamp", "wallet": "stamps", "earn": {"kind": "per_unit", "points": 1}},
    ]
    return changed


def draw(dice: random.Random) -> list[Sending]:
    """Draw receipts of one member from the last weeks, some on which goods of others come back, and returns."""
    sendings: list[Sending] = []
    numbers = [fresh("o") for _ in range(dice.randint(2, 5))]
    for place, number in enumerate(numbers):
        lines = [
            {"id": f"l{n}", "amount": dice.choice([100, 999, 2500, 6000]), "quantity": dice.choice([1, 2, 3])}
            for n in range(dice.randint(2, 3))
        ]
        placed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=dice.randint(0, 120), seconds=place)
        body = order_body(
            None,
            lines=lines,
            order_id=number,
            placed_at=placed_at.isoformat(),
            channel=dice.choice(["web", "pos"]),
            shipping=dice.choice([0, 490]),
        )
        if place and dice.random() < 0.4:
            body["returns"] = [{"order": {"order_id": numbers[place - 1]}, "lines": [{"id": "l0", "quantity": 1}]}]
            if dice.random() < 0.5:
                body["returns"][0]["shipping"] = 0
        sendings.append(("/orders", body))
        if dice.random() < 0.6:
            body = {"order": {"order_id": number}, "amount": dice.choice([1, 50, 99])}
            sendings.append(("/returns", {**body, "return_id": fresh("r")}))
    return sendings


async def play(api: Api, sendings: Sequence[Sending], *, seed: int) -> Json:
    """Send it all in an order of its own, for a member of its own; tell where that ends.

    Every third time orders come in a batch: those that stand beside each other.
    """
    member = (await insist(api.enrol, f"card:{fresh('m')}", key=fresh("k"))).json()["id"]
    journal: list[Json] = []
    for path, body in shuffled(sendings, seed=seed):
        mine = rename(body, f"/{member}")
        if path == "/orders":
            mine["member"] = member
            if seed % 3 == 0:
                journal.append(mine)
                continue
        await send_journal(api, journal)
        answer = await insist(api.post, path, mine, key=fresh("k"))
        assert answer.status_code == 201, answer.text
    await send_journal(api, journal)
    profile = (await api.get(f"/members/{member}")).json()
    lots = (await api.get(f"/members/{member}/lots?limit=200")).json()["items"]
    times = ("wallet", "status", "remaining", "earned_at", "available_at", "expires_at")
    return {
        "balances": [r for r in (await api.get(f"/members/{member}/balances")).json()["balances"] if any_points(r)],
        "lots": sorted([str(lot[name]) for name in times] for lot in lots),
        **{name: profile[name] for name in ("orders", "spend", "first_order_at", "last_order_at")},
    }


async def send_journal(api: Api, journal: list[Json]) -> None:
    """Send the orders that were held back, and forget them."""
    if journal:
        answer = await insist(api.send, "POST", "/orders/batch", body={"orders": journal})
        assert [one["status"] for one in answer.json()["results"]] == [201] * len(journal), answer.text
        journal.clear()


def any_points(row: Json) -> bool:
    return any(value for value in row.values() if isinstance(value, int))


def rename(body: Json, suffix: str) -> Json:
    """Return the same for another member: all numbers are its own."""
    renamed = {**body}
    for name in ("order_id", "return_id"):
        if name in body:
            renamed[name] = body[name] + suffix
    if "order" in body:
        renamed["order"] = rename(body["order"], suffix)
    if "returns" in body:
        renamed["returns"] = [rename(returned, suffix) for returned in body["returns"]]
    return renamed


async def test_the_order_of_arrival_changes_nothing(clients: Api, new_program: MakeProgram) -> None:
    program = await new_program(shop())
    api = clients.acting_as(program.admin)
    sets = [draw(random.Random(f"G16 {n}")) for n in range(SETS)]
    assert {path for sendings in sets for path, _ in sendings} == {"/orders", "/returns"}

    ends = await in_crowd([partial(play, api, sendings, seed=n) for sendings in sets for n in range(ORDERS)])

    for place, sendings in enumerate(sets):
        first, *others = ends[place * ORDERS : (place + 1) * ORDERS]
        assert others == [first] * (ORDERS - 1), sendings
    async with Ledger.open(program) as ledger:
        assert await ledger.faults() == []
        assert await ledger.misfits() == []
        assert await ledger.count("return_waiting", "applied_by IS NOT NULL") > 0
