"""The periodic run: it books what time did, once, however often and however many at a time, and may die at any moment."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from loyalty_engine.application import settle_due_points as room
from loyalty_engine.application.settle_due_points import Settled, settle_due_points
from loyalty_engine.core.engine.requests import Adjust, EnrolMember, HoldPoints, PlaceOrder, Profile, Redeem
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger_check import check_rows
from tests.application.conftest import Engine, Engines
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, document, owner

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MEMBERS = size(40, 2_000)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of seven members, so that there are many."""
    monkeypatch.setattr(room, "_PAGE", 7)


@pytest.fixture
async def lasting(program: Program) -> Program:
    """Points wait for two days and last for ten; cashback lasts five days from each activity."""
    rules = document(time_zone="UTC")
    rules["wallets"][0] |= {
        "activation": {"kind": "after", "length": {"days": 2}},
        "expiry": {"kind": "after", "length": {"days": 10}},
    }
    rules["wallets"][1]["expiry"] = {"kind": "sliding", "length": {"days": 5}}
    await program.publish(rules)
    return program


class Shop:
    """An engine whose clock stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW
        self.engine: Engine

    async def enrol(self) -> UUID:
        call = self.engine.call()
        await self.engine.run(EnrolMember(call, (parse_identity(f"card:{fresh('c')}"),), Profile()))
        return nth(call.operation_id, 1 << 20)

    async def give(self, member: UUID, points: int, wallet: str = "points") -> None:
        assert (await self.engine.run(Adjust(self.engine.call(), member, wallet, points, "gift"))).refusal_code is None

    async def buy(self, member: UUID, amount: int) -> None:
        """Buy something on the web: that brings cashback of two percent."""
        order = Order(ShopOrder(fresh("o")), self.now, "EUR", (Line("1", amount, SCALE),), channel="web")
        assert (await self.engine.run(PlaceOrder(self.engine.call(), member, order))).refusal_code is None

    async def settle(self, program: Program) -> Settled:
        async with two(program) as connections:
            return await self.settle_over(connections, program)

    async def settle_over(self, connections: tuple[Connection, Connection], program: Program) -> Settled:
        return await settle_due_points(connections, self.engine.rulesets, program.id, now=self.now)


@asynccontextmanager
async def two(program: Program) -> AsyncIterator[tuple[Connection, Connection]]:
    async with owner(program.database_url) as one, owner(program.database_url) as other:
        yield one, other


@pytest.fixture
async def shop(lasting: Program, engines: Engines) -> Shop:
    assert lasting.database_url
    opened = Shop()
    opened.engine = await engines.start(clock=lambda: opened.now)
    return opened


async def sound(ledger: Ledger) -> bool:
    report = await check_rows(ledger.connection, ledger.program_id)
    assert [finding for finding in report.findings if finding.offences] == []
    assert await ledger.faults() == []
    return True


async def test_points_become_spendable_and_expire_without_being_touched(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    members = [await shop.enrol() for _ in range(MEMBERS)]
    for member in members:
        await shop.give(member, 100)

    shop.now = NOW + 2 * DAY
    ripe = await shop.settle(program)
    balances = {(await ledger.balances(member))["points"] for member in members}
    shop.now = NOW + 10 * DAY
    gone = await shop.settle(program)

    assert (ripe, balances) == (Settled(MEMBERS, ()), {(100, 0, 0, 0)})
    assert gone == Settled(MEMBERS, ())
    assert {(await ledger.balances(member))["points"] for member in members} == {(0, 0, 0, 0)}
    assert await ledger.count("lot", "expired = 100 AND remaining = 0") == MEMBERS
    assert await ledger.count("operation", "kind = 'time_passed' AND client_id = 0") == 2 * MEMBERS
    assert await ledger.count("member", "due_at IS NOT NULL") == 0
    assert await sound(ledger)


async def test_nothing_is_due_twice(shop: Shop, program: Program, ledger: Ledger) -> None:
    await shop.give(await shop.enrol(), 100)
    shop.now = NOW + 30 * DAY
    first = await shop.settle(program)
    before = await ledger.fingerprint()

    second = await shop.settle(program)

    assert (first.members, second.members) == (1, 0)
    assert await ledger.fingerprint() == before


async def test_a_hold_runs_out_and_its_points_expire_with_it(shop: Shop, program: Program, ledger: Ledger) -> None:
    member = await shop.enrol()
    await shop.give(member, 100)
    shop.now = NOW + 3 * DAY
    held = await shop.engine.run(HoldPoints(shop.engine.call(), member, "points", 60, 8 * DAY))
    shop.now = NOW + 12 * DAY

    assert held.refusal_code is None
    assert await shop.settle(program) == Settled(1, ())
    assert (await ledger.balances(member))["points"] == (0, 0, 0, 0)
    assert await ledger.count("hold", "captured = 0 AND ended_by IS NOT NULL") == 1
    assert await sound(ledger)


async def test_expiry_that_slides_leaves_whoever_was_active(shop: Shop, program: Program, ledger: Ledger) -> None:
    """The due date of who was active is early on purpose: it is moved on, and nothing else happens."""
    rules = document(time_zone="UTC")
    rules["wallets"][1]["expiry"] = {"kind": "sliding", "length": {"days": 5}}
    await program.publish(rules)
    idle, active = await shop.enrol(), await shop.enrol()
    for member in (idle, active):
        await shop.buy(member, 5000)
    shop.now = NOW + 4 * DAY
    await shop.buy(active, 1000)
    versions = await ledger.connection.fetchval("SELECT version FROM member WHERE id = $1", active)
    shop.now = NOW + 5 * DAY

    settled = await shop.settle(program)

    assert settled == Settled(2, ())
    assert (await ledger.balances(idle))["cashback"] == (0, 0, 0, 0)
    assert (await ledger.balances(active))["cashback"] == (120, 0, 0, 0)
    row = await ledger.connection.fetchrow("SELECT due_at, version FROM member WHERE id = $1", active)
    assert tuple(row or ()) == (NOW + 9 * DAY, versions)
    assert await ledger.count("operation", "kind = 'time_passed'") == 1
    assert await sound(ledger)


async def test_runs_beside_each_other_and_beside_requests_settle_each_lot_once(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    members = [await shop.enrol() for _ in range(MEMBERS)]
    for member in members:
        await shop.give(member, 100)
    shop.now = NOW + 10 * DAY

    spending = (shop.engine.run(Redeem(shop.engine.call(), member, "points", 100)) for member in members)
    *runs, refused = await asyncio.gather(
        shop.settle(program), shop.settle(program), shop.settle(program), asyncio.gather(*spending)
    )

    assert sum(run.members for run in runs) == MEMBERS
    assert {outcome.refusal_code for outcome in refused} == {"insufficient_points"}
    assert await ledger.count("posting", "destination = 'expired'") == MEMBERS
    assert await sound(ledger)


@pytest.mark.parametrize("seed", range(size(3, 30)))
async def test_a_run_that_is_killed_leaves_nothing_half_done(
    shop: Shop, program: Program, ledger: Ledger, seed: int
) -> None:
    members = [await shop.enrol() for _ in range(MEMBERS)]
    for member in members:
        await shop.give(member, 100)
    shop.now = NOW + 10 * DAY
    dice = random.Random(seed)

    for _ in range(4):
        async with two(program) as connections:
            run = asyncio.create_task(shop.settle_over(connections, program))
            await asyncio.sleep(dice.uniform(0.01, 0.1))
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run
            for connection in connections:
                connection.terminate()
        assert await sound(ledger)
    await shop.settle(program)

    assert await ledger.count("posting", "destination = 'expired' AND amount = 100") == MEMBERS
    assert await ledger.count("member", "due_at IS NOT NULL") == 0
    assert await sound(ledger)


async def test_a_member_whose_rows_contradict_each_other_holds_up_nobody(
    shop: Shop, program: Program, ledger: Ledger
) -> None:
    """A balance that says less than its lots cannot be taken out of what it does not have."""
    broken, whole = await shop.enrol(), await shop.enrol()
    for member in (broken, whole):
        await shop.give(member, 100)
    await ledger.connection.execute("UPDATE lot SET member_id = $1 WHERE member_id = $2", broken, whole)
    shop.now = NOW + 10 * DAY

    settled = await shop.settle(program)

    assert settled.unsettled == (broken,)
    assert (await ledger.balances(whole))["points"] == (0, 100, 0, 0)
