"""G12: limits and budgets are exact, for all and per member, however many buy at once; undoing gives back exactly one."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.harness.api import Api, fresh
from tests.harness.crowds import in_crowd, shuffled, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

TIMES = size(10, 100)
TRIES = size(60, 3_000)
ROUNDS = size(1, 20)
BUDGET = 100 * TIMES - 50

PROMOTIONS: list[Json] = [
    {
        "key": "first_ones",
        "channels": ["web"],
        "effect": {"kind": "amount_off", "amount": 100},
        "limits": [{"per": "program", "times": TIMES}],
    },
    {
        "key": "budget",
        "channels": ["app"],
        "effect": {"kind": "percent_off", "percent": "10%"},
        "limits": [{"per": "program", "amount": BUDGET, "partial": True}],
    },
    {
        "key": "once_each",
        "effect": {"kind": "points", "wallet": "stamps", "points": 1},
        "limits": [{"per": "member", "times": 1}],
    },
]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": PROMOTIONS})


def taken(orders: Sequence[Json], promotion: str) -> list[int]:
    """Return what a promotion took off each order that got it."""
    return [one["amount"] for order in orders for one in order["discounts"] if one["promotion"] == promotion]


async def buy(clients: Api, members: Sequence[str], channel: str, *, each: int) -> list[Json]:
    """Let everybody buy so often, many at a time, and every third purchase be sent twice under its key."""
    acts = []
    for number, member in enumerate(shuffled([*members] * each, seed=each)):
        body: Json = {"order_id": fresh("w"), "channel": channel}
        key = fresh("k")
        act = partial(clients.post_order, member, key=key, **body)
        acts += [act, act] if number % 3 == 0 else [act]
    answers = await in_crowd(acts, people=32)
    orders = {answer.json()["id"]: answer.json() for answer in answers}
    assert {answer.status_code for answer in answers} == {201}
    return list(orders.values())


async def cancel_all(clients: Api, orders: Sequence[Json]) -> None:
    """Cancel each order, three at a time: one succeeds."""
    for order in orders:
        answers = await together(clients.cancel_order(order["id"]) for _ in range(3))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_what_all_share_is_given_exactly_so_often(clients: Api, ledger: Ledger, round_: int) -> None:
    members = [await clients.new_member() for _ in range(20)]
    each = TRIES // len(members)

    orders = await buy(clients, members, "web", each=each)

    got = [order for order in orders if taken([order], "first_ones")]
    assert len(orders) == each * len(members)
    assert taken(orders, "first_ones") == [100] * TIMES
    assert sum(effect.get("promotion") == "once_each" for order in orders for effect in order["effects"]) == len(
        members
    )

    given_back = shuffled(got, seed=round_)[: TIMES // 3]
    await cancel_all(clients, given_back)
    more = await buy(clients, members, "web", each=2)

    assert taken(more, "first_ones") == [100] * len(given_back)
    assert await ledger.faults() == []


async def test_a_budget_is_spent_to_the_cent_and_comes_back_to_the_cent(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(20)]

    orders = await buy(clients, members, "app", each=TIMES // 5)

    got = [order for order in orders if taken([order], "budget")]
    assert sorted(taken(orders, "budget")) == [50, *[100] * (TIMES - 1)]

    given_back = got[: TIMES // 2]
    await cancel_all(clients, given_back)
    more = await buy(clients, members, "app", each=TIMES // 5)

    assert sum(taken(more, "budget")) == sum(taken(given_back, "budget"))
    assert await ledger.faults() == []
