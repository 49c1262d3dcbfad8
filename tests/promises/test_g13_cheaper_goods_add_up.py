"""G13 with promotions: whatever came off an order, its returns end at the same cents and points however they are split, and
limits get back what the order takes less, exactly once.
"""

import random
from functools import partial
from typing import Any

import pytest

from loyalty_engine.core.kernel.ids import show_id
from tests.harness.api import Api, fresh
from tests.harness.crowds import in_crowd, insist, size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program
from tests.promises.test_g13_returns_add_up import Case, play, shop

ORDERS = size(30, 2_000)
GUESTS = size(5, 100)
DISCOUNTS = ("proportional", "recomputed")

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {
        "key": "ten",
        "when": {"fact": "order.total", "at_least": 4000},
        "effect": {"kind": "percent_off", "percent": "10%"},
        "limits": [{"per": "program", "amount": 1_000_000_000}, {"per": "member", "times": 3}],
    },
    {
        "key": "three",
        "effect": {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}},
        "limits": [{"per": "program", "times": 1_000_000}, {"per": "member", "amount": 5000, "partial": True}],
    },
    {
        "key": "half",
        "when": {"lines": {}, "quantity": {"at_least": "9"}},
        "effect": {"kind": "percent_off", "percent": "50%"},
    },
    {"key": "delivery", "when": {"fact": "order.total", "at_least": 3000}, "effect": {"kind": "shipping_off"}},
    {
        "key": "bonus",
        "audience": "members",
        "when": {"fact": "order.lines", "at_least": 2},
        "effect": {"kind": "points", "wallet": "points", "points": 30},
        "limits": [{"per": "member", "times": 1}],
    },
]


def discounter(discounts: str) -> Json:
    """Discounts hang on amounts, on quantities and on each other; budgets are too big to be reached, so that orders do not
    depend on each other.
    """
    changed = shop("recomputed")
    changed["policies"]["returns"]["discounts"] = discounts
    return {**changed, "promotions": PROMOTIONS}


async def used(ledger: Ledger) -> dict[str, int]:
    """Return what is used of limits: shared ones, and those of all members together."""
    rows = await ledger.connection.fetch(
        "SELECT key, used FROM counter WHERE program_id = $1"
        " UNION ALL SELECT c.key, sum(c.value::bigint)::bigint FROM member m, jsonb_each_text(m.counters) c"
        " WHERE m.program_id = $1 GROUP BY c.key",
        ledger.program_id,
    )
    return {row["key"]: row["used"] for row in rows}


async def orders_of(ledger: Ledger) -> list[str]:
    """Return the orders by our own ids."""
    rows = await ledger.connection.fetch('SELECT id FROM "order" WHERE program_id = $1', ledger.program_id)
    return [show_id("ord", row["id"]) for row in rows]


@pytest.mark.parametrize("discounts", DISCOUNTS)
async def test_any_way_of_returning_cheaper_goods_ends_at_the_same_numbers(
    clients: Api, new_program: MakeProgram, discounts: str
) -> None:
    program: Program = await new_program(discounter(discounts))
    api = clients.acting_as(program.admin)
    dice = random.Random(f"G13 cheaper {discounts}")
    cases = [Case.draw(dice) for _ in range(ORDERS // len(DISCOUNTS))]
    steps = [case.steps(dice) for case in cases]

    async with Ledger.open(program) as ledger:
        at_once = await in_crowd([partial(play, api, case, [case.back]) for case in cases])
        after_once = await used(ledger)
        bit_by_bit = await in_crowd([partial(play, api, case, parts) for case, parts in zip(cases, steps, strict=True)])

        for case, parts, whole, split in zip(cases, steps, at_once, bit_by_bit, strict=True):
            assert split == whole, (case, parts)
            assert 0 <= whole["refund"] <= sum(line["amount"] for line in case.lines)
        assert await used(ledger) == {name: 2 * amount for name, amount in after_once.items()}
        assert sum(after_once.values()) > 0
        assert await ledger.faults() == []
        assert await ledger.misfits() == []


@pytest.mark.parametrize("discounts", DISCOUNTS)
async def test_what_is_void_took_nothing_from_any_limit(clients: Api, new_program: MakeProgram, discounts: str) -> None:
    program: Program = await new_program(discounter(discounts))
    api = clients.acting_as(program.admin)
    dice = random.Random(f"G13 void {discounts}")
    cases = [Case.draw(dice) for _ in range(ORDERS // len(DISCOUNTS))]
    await in_crowd([partial(play, api, case, case.steps(dice)) for case in cases])
    guests = [Case.draw(dice) for _ in range(GUESTS)]
    for case in guests:
        order = await insist(api.post_order, None, key=fresh("k"), lines=case.lines, order_id=fresh("o"))
        lines = [{"id": line, "quantity": quantity} for line, quantity in case.back.items()]
        assert (await insist(api.take_back, order.json()["id"], key=fresh("k"), lines=lines)).status_code == 201

    async with Ledger.open(program) as ledger:
        before = await used(ledger)
        cancelled = await in_crowd(
            [partial(insist, api.cancel_order, order, key=fresh("k")) for order in await orders_of(ledger)]
        )

        assert {answer.status_code for answer in cancelled} <= {200, 409}
        assert any(before.values())
        assert not any((await used(ledger)).values())
        assert await ledger.faults() == []
        assert await ledger.misfits() == []
