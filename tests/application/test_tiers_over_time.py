"""Tiers over the database: what gather reads is what decides, and whatever time does is booked once, whoever books it."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import pytest

from loyalty_engine.application import settle_due_points as room
from loyalty_engine.application.asks import ask_for
from loyalty_engine.application.read_tiers import read_tiers
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.membership_requests import CancelMembership, PayMembership
from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelOrder,
    EnrolMember,
    EvaluateOrder,
    GrantTier,
    MergeMembers,
    PlaceOrder,
    Profile,
    RecordActivity,
    Redeem,
    Request,
    ReturnGoods,
)
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.ids import nth, read_id
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from tests.application.conftest import Engine, Engines
from tests.application.test_settle_due_points import sound, two
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, document, owner

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MEMBERS = size(30, 2_000)
STATUS: Final = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "lasts": {"kind": "window", "more": 1},
    "tiers": [{"key": "silver", "at_least": 5000}, {"key": "gold", "at_least": 10000}],
}
STARS: Final = {
    "key": "stars",
    "metric": {"kind": "points_earned", "wallet": "points"},
    "window": {"kind": "rolling", "length": {"days": 90}},
    "lasts": {"kind": "length", "length": {"days": 90}},
    "grace": {"days": 10},
    "tiers": [{"key": "one", "at_least": 30}, {"key": "two", "at_least": 120}],
}
VISITS: Final = {
    "key": "visits",
    "metric": {"kind": "orders"},
    "window": {"kind": "membership_year"},
    "lasts": {"kind": "window"},
    "downgrade": "one_level",
    "tiers": [{"key": "guest", "at_least": 0}, {"key": "regular", "at_least": 2}, {"key": "friend", "at_least": 4}],
}


def rules(*sets: Mapping[str, Any]) -> dict[str, Any]:
    """As everywhere, but that an answer to a survey brings 30 points."""
    written = document(time_zone="UTC")
    thanks = {
        "key": "thanks",
        "wallet": "points",
        "activity": "survey_answered",
        "earn": {"kind": "fixed", "points": 30},
    }
    return {**written, "earning_rules": [*written["earning_rules"], thanks], "tier_sets": [*sets]}


class Shop:
    """An engine whose clock stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW
        self.engine: Engine

    async def run(self, request: Asked) -> dict[str, Any]:
        outcome = await self.engine.run(request)
        assert outcome.refusal_code is None, outcome.answer
        answer: dict[str, Any] = orjson.loads(outcome.answer)
        return answer

    async def enrol(self) -> UUID:
        call = self.engine.call()
        await self.run(EnrolMember(call, (parse_identity(f"card:{fresh('c')}"),), Profile()))
        return nth(call.operation_id, 1 << 20)

    async def buy(self, member: UUID, amount: int, *, at: datetime | None = None) -> dict[str, Any]:
        return await self.run(PlaceOrder(self.engine.call(), member, self.order(amount, at=at)))

    def order(self, amount: int, *, at: datetime | None = None) -> Order:
        lines = (Line("1", amount, SCALE),)
        return Order(ShopOrder(fresh("o")), at or self.now, "EUR", lines, channel="web")

    async def bring_back(self, order: dict[str, Any]) -> dict[str, Any]:
        return await self.run(ReturnGoods(self.engine.call(), read_id("ord", order["id"]), Goods({"1": None})))

    async def settle(self, program: Program) -> int:
        async with two(program) as connections:
            rulesets = self.engine.rulesets
            return (await room.settle_due_points(connections, rulesets, program.id, now=self.now)).members

    async def see(self, program: Program, member: UUID) -> dict[str, str | None]:
        """Return the member's tier in each set, as a read shows it."""
        async with owner(program.database_url) as connection:
            found = await read_tiers(connection, self.engine.rulesets, program.id, member, now=self.now)
        assert found is not None
        ruleset, state = found
        return {key: ladder.key_of(ladder.rank_of(state.tiers.get(key))) for key, ladder in ruleset.ladders.items()}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of seven members, so that there are many."""
    monkeypatch.setattr(room, "_PAGE", 7)


@pytest.fixture
async def shop(program: Program, engines: Engines) -> Shop:
    opened = Shop()
    await program.publish(rules(STATUS))
    opened.engine = await engines.start(clock=lambda: opened.now)
    return opened


async def test_an_order_leads_up_in_its_answer_and_its_return_leads_down(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    member = await shop.enrol()
    first = await shop.buy(member, 6000)
    second = await shop.buy(member, 5000)
    seen = await shop.see(program, member)
    back = await shop.bring_back(second)

    until = "2028-01-01T00:00:00Z"
    assert [(move["from"], move["tier"], move["until"]) for move in first["tiers"]] == [(None, "silver", until)]
    assert [(move["from"], move["tier"]) for move in second["tiers"]] == [("silver", "gold")]
    assert seen == {"status": "gold"}
    assert [(move["from"], move["tier"]) for move in back["tiers"]] == [("gold", "silver")]
    assert await shop.see(program, member) == {"status": "silver"}
    assert await sound(ledger)


async def test_a_look_tells_where_an_order_would_lead(shop: Shop) -> None:
    member = await shop.enrol()
    await shop.buy(member, 4000)
    actor = shop.engine.call().actor
    _, look = await shop.engine.executor.look(shop.engine.caller, EvaluateOrder(actor, member, shop.order(1000)))

    assert [move["tier"] for move in look.answer["tiers"]] == ["silver"]  # type: ignore[union-attr]  # not refused


async def test_a_review_goes_by_what_counted_when_the_tier_ran_out(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    """Whoever touches the members first books it: a request, or the run; reads show it before."""
    touched, untouched = await shop.enrol(), await shop.enrol()
    for member in (touched, untouched):
        await shop.buy(member, 10000)
    shop.now = datetime(2027, 11, 1, tzinfo=UTC)
    for member in (touched, untouched):
        await shop.buy(member, 6000)

    shop.now = datetime(2028, 8, 1, tzinfo=UTC)
    seen = [await shop.see(program, member) for member in (touched, untouched)]
    answer = await shop.run(Adjust(shop.engine.call(), touched, "points", 1, "gift"))
    settled = await shop.settle(program)

    assert seen == [{"status": "silver"}, {"status": "silver"}]
    assert "tiers" not in answer or answer["tiers"] == []
    assert settled == 1
    assert await shop.settle(program) == 0
    assert await ledger.count("member_tier", "tier = 'silver' AND until = '2030-01-01Z'") == 2
    assert await ledger.count("operation", "kind = 'tier_review'") == 2
    assert await sound(ledger)


async def test_a_grant_ends_on_its_day(shop: Shop, program: Program, ledger: Ledger) -> None:
    member = await shop.enrol()
    await shop.buy(member, 5000)
    granted = await shop.run(GrantTier(shop.engine.call(), member, "status", "gold", NOW + 30 * DAY, "complaint"))
    shop.now = NOW + 30 * DAY
    assert await shop.settle(program) == 1

    assert [(move["from"], move["tier"]) for move in granted["tiers"]] == [("silver", "gold")]
    assert await shop.see(program, member) == {"status": "silver"}
    assert await ledger.count("member", "due_at = '2028-01-01Z'") == 1
    assert await sound(ledger)


async def test_what_was_before_a_grant_counts_when_it_ends_long_after(shop: Shop, program: Program) -> None:
    """Silver ran out under the grant: what was bought before that is looked at, years later."""
    member = await shop.enrol()
    await shop.buy(member, 5000)
    await shop.run(GrantTier(shop.engine.call(), member, "status", "gold", datetime(2029, 6, 1, tzinfo=UTC), "gift"))
    shop.now = datetime(2027, 3, 1, tzinfo=UTC)
    await shop.buy(member, 5000)
    shop.now = datetime(2029, 6, 2, tzinfo=UTC)

    assert await shop.see(program, member) == {"status": "silver"}


async def test_two_that_become_one_are_where_both_together_lead(shop: Shop, program: Program, ledger: Ledger) -> None:
    await program.publish(rules(STATUS, STARS))
    one, other = await shop.enrol(), await shop.enrol()
    for member in (one, other):
        await shop.buy(member, 6000)
    shop.now = NOW + DAY
    merged = await shop.run(MergeMembers(shop.engine.call(), one, other, "same person"))

    assert [(move["set"], move["from"], move["tier"]) for move in merged["tiers"]] == [
        ("status", "silver", "gold"),
        ("stars", "one", "two"),
    ]
    assert await shop.see(program, one) == {"status": "gold", "stars": "two"}
    assert await sound(ledger)


async def test_what_was_bought_under_a_plan_counts_when_it_ends_early(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    """Silver ran out under the plan, and was bought again before."""
    club = {"key": "club", "price": 100, "term": {"years": 5}}
    tiers = [{"key": "silver", "at_least": 5000}, {"key": "gold", "at_least": 10000, "plan": "club"}]
    await program.publish({**rules({**STATUS, "tiers": tiers, "lasts": {"kind": "window"}}), "plans": [club]})
    member = await shop.enrol()
    await shop.buy(member, 5000)
    payment = PayMembership(shop.engine.call(), member, "club", fresh("p"), 100, "EUR")
    paid = await shop.run(payment)
    shop.now = datetime(2026, 11, 1, tzinfo=UTC)
    for days in (0, 200):
        shop.now += days * DAY
        await shop.buy(member, 6000)
    shop.now = datetime(2028, 3, 1, tzinfo=UTC)
    left = await shop.run(CancelMembership(shop.engine.call(), member, "club", at_once=True, reason="moved"))

    assert [(move["from"], move["tier"]) for move in paid["tiers"]] == [("silver", "gold")]
    assert [(move["from"], move["tier"], move["until"]) for move in left["tiers"]] == [
        ("gold", "silver", "2029-01-01T00:00:00Z")
    ]
    assert await sound(ledger)


async def test_points_that_were_earned_lead_up_and_run_out(shop: Shop, program: Program, ledger: Ledger) -> None:
    await program.publish(rules(STARS))
    member = await shop.enrol()
    order = await shop.buy(member, 10000)
    await shop.run(Redeem(shop.engine.call(), member, "points", 100))
    activity = RecordActivity(shop.engine.call(), member, "survey_answered", shop.now, "nps")
    survey = await shop.run(activity)
    seen = [await shop.see(program, member)]
    await shop.bring_back(order)
    seen.append(await shop.see(program, member))
    shop.now = NOW + 200 * DAY
    await shop.settle(program)
    seen.append(await shop.see(program, member))

    assert [move["tier"] for move in order["tiers"]] == ["one"]
    assert [move["tier"] for move in survey["tiers"]] == ["two"]
    assert seen == [{"stars": "two"}, {"stars": "one"}, {"stars": None}]
    assert await sound(ledger)


@pytest.mark.parametrize("seed", range(size(3, 40)))
async def test_apply_agrees_with_a_fresh_gather(shop: Shop, program: Program, ledger: Ledger, seed: int) -> None:
    await program.publish(rules(STATUS, STARS, VISITS))
    dice, member, orders = random.Random(seed), await shop.enrol(), list[UUID]()
    moves = 0
    for _ in range(size(30, 300)):
        shop.now += timedelta(days=dice.choice([0, 1, 10, 60]))
        request = draw(shop, member, orders, dice)
        facts = await gather_for(shop, request)
        ruleset = await shop.engine.rulesets.latest(program.id)
        decision = decide(ruleset, facts, request, shop.now)
        if not isinstance(decision, Accepted):
            continue
        assert await shop.engine.ledger.record(program.id, fold(decision.parts))
        for part in decision.parts:
            facts = apply(facts, part)
            moves += len(part.tiers)
        if isinstance(request, PlaceOrder):
            orders.append(request.call.operation_id)
        again = await gather_for(shop, Redeem(shop.engine.call(), member, "points", 1))
        assert standing(facts) == standing(again)
        looked = replace(shop.order(1), placed_at=shop.now)
        fully = await gather_for(shop, PlaceOrder(shop.engine.call(), member, looked))
        if isinstance(request, PlaceOrder):
            assert counted(facts, shop.now) == counted(fully, shop.now)
    assert moves > 3, "nobody moved"
    assert await sound(ledger)


def draw(shop: Shop, member: UUID, orders: list[UUID], dice: random.Random) -> Request:
    match dice.randrange(7):
        case 0 | 1 | 2:
            at = shop.now - timedelta(days=dice.choice([0, 0, 3, 40]))
            return PlaceOrder(shop.engine.call(), member, shop.order(dice.randrange(500, 8000), at=at))
        case 3 if orders:
            return ReturnGoods(shop.engine.call(), orders.pop(dice.randrange(len(orders))), Goods({"1": None}))
        case 4 if orders:
            return CancelOrder(shop.engine.call(), orders.pop(), "error")
        case 5:
            until = shop.now + timedelta(days=dice.choice([20, 200, 500]))
            tier = dice.choice([None, "silver", "gold"])
            return GrantTier(shop.engine.call(), member, "status", tier, until, "gift")
        case _:
            return RecordActivity(shop.engine.call(), member, "survey_answered", shop.now, fresh("s"))


async def gather_for(shop: Shop, request: Request) -> Facts:
    program = shop.engine.caller.program_id
    ruleset = await shop.engine.rulesets.latest(program)
    ((_, facts),) = await shop.engine.ledger.gather(program, [ask_for(request, ruleset, now=shop.now)])
    return facts


def standing(facts: Facts) -> tuple[Any, ...]:
    assert facts.member is not None
    return facts.member.tiers, facts.member.due_at, facts.member.version


def counted(facts: Facts, now: datetime) -> tuple[Any, ...]:
    """Return what tier sets count, as far back as any of them looks for an order that is placed now."""
    member: MemberState | None = facts.member
    assert member is not None
    since = now - 367 * DAY
    earned: dict[datetime, int] = {}
    for at, points in member.earned.get("points", ()):
        earned[at] = earned.get(at, 0) + points
    return (
        sorted((past.placed_at, past.spend) for past in member.history if past.placed_at >= since),
        {at: points for at, points in earned.items() if points and at >= now - 91 * DAY},
    )


async def test_runs_beside_each_other_review_each_member_once(shop: Shop, program: Program, ledger: Ledger) -> None:
    members = [await shop.enrol() for _ in range(MEMBERS)]
    for member in members:
        await shop.buy(member, 10000)
    shop.now = datetime(2028, 1, 1, tzinfo=UTC)

    buying = [shop.buy(member, 100) for member in members[::3]]
    settling = asyncio.gather(*(shop.settle(program) for _ in range(3)))
    runs, _ = await asyncio.gather(settling, asyncio.gather(*buying))

    assert sum(runs) <= MEMBERS
    assert await ledger.count("operation", "kind = 'tier_review'") == MEMBERS
    assert await ledger.count("member_tier", "tier IS NULL AND until IS NULL") == MEMBERS
    assert await sound(ledger)


@pytest.mark.parametrize("seed", range(size(2, 30)))
async def test_a_run_that_is_killed_leaves_nothing_half_done(
    shop: Shop, program: Program, ledger: Ledger, seed: int
) -> None:
    members = [await shop.enrol() for _ in range(MEMBERS)]
    for member in members:
        await shop.buy(member, 10000)
    shop.now = datetime(2028, 1, 1, tzinfo=UTC)
    dice = random.Random(seed)

    for _ in range(3):
        async with two(program) as connections:
            run = asyncio.create_task(
                room.settle_due_points(connections, shop.engine.rulesets, program.id, now=shop.now)
            )
            await asyncio.sleep(dice.uniform(0.01, 0.08))
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run
            for connection in connections:
                connection.terminate()
        assert await sound(ledger)
    await shop.settle(program)

    assert await ledger.count("operation", "kind = 'tier_review'") == MEMBERS
    assert await ledger.count("member", "due_at IS NOT NULL") == 0
    assert await sound(ledger)


async def test_a_grant_that_ends_behind_two_others_is_reviewed_by_all_that_counted(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    """Silver, then gold by hand, then platinum: nobody looks until all are over. Silver was kept on by what was bought."""
    tiers = [
        {"key": "silver", "at_least": 3000},
        {"key": "gold", "at_least": 6000},
        {"key": "platinum", "at_least": 10000},
    ]
    window, lasts = {"kind": "rolling", "length": {"days": 30}}, {"kind": "length", "length": {"days": 100}}
    await program.publish(rules({**STATUS, "window": window, "lasts": lasts, "tiers": tiers}))
    member = await shop.enrol()
    await shop.buy(member, 4000)
    shop.now = NOW + DAY
    await shop.run(GrantTier(shop.engine.call(), member, "status", "gold", NOW + 190 * DAY, "gift"))
    for days, amount in ((45, 10000), (80, 3500)):
        shop.now = NOW + days * DAY
        await shop.buy(member, amount)
    assert await shop.see(program, member) == {"status": "platinum"}
    shop.now = NOW + 150 * DAY
    assert await shop.see(program, member) == {"status": "gold"}

    shop.now = NOW + 195 * DAY
    assert await shop.see(program, member) == {"status": "silver"}
    assert await shop.settle(program) == 1
    assert await ledger.count("member_tier", "tier = 'silver'") == 1
    assert await sound(ledger)
