"""Orders that promotions made cheaper, after they were accepted: edited, returned, claimed."""

from typing import Any

import pytest

from tests.harness.api import Api, available
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {
        "key": "half",
        "when": {"lines": {}, "quantity": {"at_least": "3"}},
        "effect": {"kind": "percent_off", "percent": "50%"},
        "limits": [{"per": "program", "amount": 3000, "partial": True}, {"per": "location", "times": 2}],
    },
    {
        "key": "bonus",
        "when": {"fact": "order.total", "at_least": 4000},
        "effect": {"kind": "points", "wallet": "stamps", "points": 5},
    },
]
FOUR: list[Json] = [{"id": "1", "amount": 4000, "quantity": 4}]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    changed = document()
    changed["policies"] = {"returns": {"discounts": "recomputed"}}
    return await new_program({**changed, "promotions": PROMOTIONS})


async def used(ledger: Ledger) -> dict[str, int]:
    """Return what is used of shared limits."""
    rows = await ledger.connection.fetch("SELECT key, used FROM counter WHERE program_id = $1", ledger.program_id)
    return {row["key"].split("/")[2]: row["used"] for row in rows}


async def test_what_is_kept_is_priced_again(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(1000)
    placed = await client.post_order(
        member, lines=FOUR, location="berlin-1", pay_with_points={"wallet": "points", "points": 1000}
    )
    order = placed.json()["id"]
    assert (placed.json()["total"], placed.json()["due"]) == (2000, 1000)

    quotes = [
        (await client.take_back(order, lines=[{"id": "1", "quantity": quantity}])).json() for quantity in (1, 1, 2)
    ]

    assert [(quote["refund"], quote["collect"], quote["left"]) for quote in quotes] == [
        (250, 0, 1500),
        (0, 250, 2000),
        (1000, 0, 0),
    ]
    assert [(quote["restored"], quote["repaid"]) for quote in quotes] == [
        ({"wallet": "points", "points": 250, "amount": 250}, None),
        (None, {"wallet": "points", "points": 250, "amount": 250}),
        ({"wallet": "points", "points": 1000, "amount": 1000}, None),
    ]
    assert available(quotes[-1]) == 1000
    assert await used(ledger) == {"amount": 0, "times": 0}
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def test_an_edited_order_is_priced_again(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    order = (await client.post_order(member, lines=FOUR, location="berlin-1")).json()["id"]
    body = {"lines": [{"id": "1", "amount": 8000, "quantity": 8}], "shipping": 490, "reason": "customer_called"}

    answer = await client.post(f"/orders/{order}/edits", body)

    edited = answer.json()
    assert (answer.status_code, edited["list_total"], edited["total"], edited["due"]) == (201, 8490, 5490, 5490)
    assert [(one["promotion"], one["amount"]) for one in edited["discounts"]] == [("half", 3000)]
    assert edited["lines"] == [{"id": "1", "amount": 5000, "off": 3000}]
    assert {"type": "grant_points", "wallet": "stamps", "points": 5, "promotion": "bonus"} in edited["effects"]
    assert await used(ledger) == {"amount": 3000, "times": 1}
    read = (await client.get(f"/orders/{order}")).json()
    assert (read["is_edited"], read["total"], read["promotions"]) == (
        True,
        5490,
        [
            {"promotion": "half", "amount": 3000, "shipping": 0, "code": None},
            {"promotion": "bonus", "amount": 0, "shipping": 0, "code": None},
        ],
    )
    quote = (await client.take_back(order, lines=[{"id": "1", "quantity": 7}])).json()
    assert (quote["refund"], quote["left"]) == (4000, 1490)
    assert {"wallet": "stamps", "points": 5, "owed": 0, "forgiven": 0} in quote["taken"]
    assert await used(ledger) == {"amount": 0, "times": 0}
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def test_a_guest_gives_budgets_back_and_a_claim_keeps_the_price(client: Api, ledger: Ledger) -> None:
    order = (await client.post_order(None, lines=FOUR, location="berlin-1")).json()["id"]
    back = (await client.take_back(order, lines=[{"id": "1", "quantity": 1}])).json()
    assert (back["refund"], await used(ledger)) == (500, {"amount": 1500, "times": 1})

    claimed = (await client.claim(order, await client.new_member())).json()

    assert (claimed["total"], available(claimed)) == (1500, 15)
    assert (await client.cancel_order(order)).json()["refund"] == 1500
    assert await used(ledger) == {"amount": 0, "times": 0}
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def test_an_exchange_at_the_end_of_a_budget_is_accepted(client: Api, ledger: Ledger) -> None:
    """What comes back leaves room for what is bought with it, in the same write."""
    member = await client.new_member()
    order = (await client.post_order(member, lines=[{"id": "1", "amount": 6000, "quantity": 3}])).json()["id"]
    assert await used(ledger) == {"amount": 3000, "times": 1}
    returns = [{"order": {"id": order}, "lines": [{"id": "1"}]}]

    exchanged = await client.post_order(member, lines=FOUR, returns=returns)

    assert (exchanged.status_code, exchanged.json()["total"]) == (201, 2000), exchanged.text
    assert exchanged.json()["returns"][0]["refund"] == 3000
    assert await used(ledger) == {"amount": 2000, "times": 1}
    assert await ledger.faults() == []
