"""Memberships over the database: ends are booked once, also of members whom nobody touches."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.membership_requests import CancelMembership, PayMembership, StartTrial
from loyalty_engine.core.engine.requests import RecordActivity, Redeem
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


@pytest.mark.parametrize("way", ["payment", "activity", "trial"])
async def test_what_was_bought_under_a_plan_outlasts_a_higher_one(
    shop: Shop, program: Program, ledger: Ledger, way: str
) -> None:
    """However the higher plan begins: the order of last year still counts when both are over."""
    desk = {"key": "paid", "once_per": "subject", "attributes": {"amount": {"type": "integer"}}}
    higher = {"key": "higher", "price": 900, "term": {"months": 8}, "trial": {"months": 8}, "activity": "paid"}
    tiers = [STATUS["tiers"][0], {"key": "gold", "plan": "club"}, {"key": "platinum", "plan": "higher"}]  # type: ignore[index]  # as written
    written = rules({**STATUS, "tiers": tiers})
    club = {**CLUB, "term": {"years": 5}}
    activities = [*written["activities"], desk]
    await program.publish({**written, "activities": activities, "plans": [club, higher]})
    member = await shop.enrol()
    await shop.run(PayMembership(shop.engine.call(), member, "club", fresh("p"), 900, "EUR"))
    await shop.buy(member, 6000)
    call, number = shop.engine.call(), fresh("p")
    ways: dict[str, Asked] = {
        "payment": PayMembership(call, member, "higher", number, 900, "EUR"),
        "activity": RecordActivity(call, member, "paid", shop.now, number, attributes={"amount": 900}),
        "trial": StartTrial(call, member, "higher"),
    }
    await shop.run(ways[way])
    assert await shop.see(program, member) == {"status": "platinum"}

    shop.now = datetime(2027, 3, 1, tzinfo=UTC)
    left = await shop.run(CancelMembership(shop.engine.call(), member, "club", at_once=True, reason="moved"))

    assert [(move["tier"], move["until"]) for move in left["tiers"]] == [("silver", "2028-01-01T00:00:00Z")]
    assert await sound(ledger)
