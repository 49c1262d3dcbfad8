"""Memberships over the database: ends are booked once, also of members whom nobody touches."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from loyalty_engine.core.engine.membership_requests import PayMembership
from loyalty_engine.core.engine.requests import Redeem
from tests.application.conftest import Engines
from tests.application.test_settle_due_points import sound
from tests.application.test_tiers_over_time import STATUS, Shop, rules
from tests.harness.api import fresh
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

CLUB = {"key": "club", "price": 900, "term": {"days": 30}, "grace": {"days": 5}}
TIERS = [{**STATUS["tiers"][0], "plan": "club"}, STATUS["tiers"][1]]  # type: ignore[index]  # as written


@pytest.fixture
async def shop(program: Program, engines: Engines) -> Shop:
    opened = Shop()
    await program.publish({**rules({**STATUS, "tiers": TIERS}), "plans": [CLUB]})
    opened.engine = await engines.start(clock=lambda: opened.now)
    return opened


async def pay(shop: Shop, member: UUID) -> None:
    paid = await shop.run(PayMembership(shop.engine.call(), member, "club", fresh("p"), 900, "EUR"))
    assert [move["tier"] for move in paid["tiers"]] == ["silver"]


async def test_members_whom_nobody_touches_lapse_once(shop: Shop, program: Program, ledger: Ledger) -> None:
    members = [await shop.enrol() for _ in range(9)]
    for member in members:
        await pay(shop, member)

    shop.now += timedelta(days=35) - timedelta(microseconds=1)
    early = await shop.settle(program)
    shop.now += timedelta(microseconds=1)
    first = await shop.see(program, members[0])
    await asyncio.gather(shop.settle(program), shop.settle(program))
    again = await shop.settle(program)

    assert (early, again) == (0, 0)
    assert first == {"status": None}
    assert await ledger.count("operation", "kind = 'plan_lapse'") == len(members)
    assert await ledger.count("member_plan", "is_over") == len(members)
    assert await sound(ledger)
    assert await ledger.misfits() == []


async def test_a_request_that_comes_first_books_the_end_before_it(shop: Shop, program: Program, ledger: Ledger) -> None:
    member = await shop.enrol()
    await pay(shop, member)
    shop.now += timedelta(days=35)

    outcomes = await asyncio.gather(
        shop.engine.run(Redeem(shop.engine.call(), member, "points", 10)), shop.settle(program), shop.buy(member, 100)
    )

    assert outcomes[2]["tiers"] == []
    assert await ledger.count("operation", "kind = 'plan_lapse'") == 1
    assert await shop.see(program, member) == {"status": None}
    assert await sound(ledger)
