"""Referrals that are due are rewarded once each, by any number of workers, whatever becomes of these."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.harness.friends import DAY, Shop, document_of_friends, open_shop
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram

ADVOCATES = ("anna", "bert", "cleo")
FRIENDS = 8


@pytest.fixture
async def shop(new_program: MakeProgram) -> AsyncIterator[Shop]:
    """Three advocates with eight friends each, all due at one moment."""
    program = await new_program(document_of_friends(advocate={"ladder": [{"rewards": [points(500)]}]}))
    async with open_shop(program) as opened:
        await opened.enrol(*ADVOCATES)
        await asyncio.gather(*(bring(opened, f"{name}{n}", by=name) for name in ADVOCATES for n in range(FRIENDS)))
        opened.now += 15 * DAY
        yield opened


def points(amount: int) -> dict[str, object]:
    return {"kind": "points", "wallet": "points", "points": amount}


async def bring(shop: Shop, friend: str, by: str) -> None:
    await shop.enrol(friend)
    await shop.register(friend, by=by)
    await shop.buy(friend)


async def rewards(ledger: Ledger) -> int:
    return await ledger.count("operation", "kind = 'referral_reward'")


async def test_workers_that_run_at_once_reward_each_once(shop: Shop) -> None:
    done = await asyncio.gather(*(shop.reward() for _ in range(4)))
    async with Ledger.open(shop.program) as ledger:
        assert sum(each.referrals for each in done) == 24
        assert await rewards(ledger) == 24
        for name in ADVOCATES:
            assert (await ledger.balances(shop.names[name]))["points"] == (8 * 500, 0, 0, 0)
        assert await ledger.faults() == []


async def test_a_worker_that_dies_leaves_nothing_half_done(shop: Shop) -> None:
    async with Ledger.open(shop.program) as ledger:
        for _ in range(6):
            before = await rewards(ledger)
            worker = asyncio.create_task(shop.reward())
            while await rewards(ledger) == before and not worker.done():
                await asyncio.wait({worker}, timeout=0.001)
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
            assert await ledger.faults() == []
        await shop.reward()
        assert await rewards(ledger) == 24
        assert await ledger.count("referral", "due_at IS NOT NULL") == 0
        assert await ledger.faults() == []


async def test_what_cannot_be_booked_stays_due_and_holds_nobody_up(shop: Shop) -> None:
    async with Ledger.open(shop.program) as ledger:
        await ledger.connection.execute(
            "UPDATE balance SET available = 9007199254740991, expires_at = NULL WHERE program_id = $1 AND member_id = $2",
            shop.program.id,
            shop.names["anna"],
        )
        await ledger.connection.execute(
            "INSERT INTO balance (program_id, member_id, wallet, available, pending, held, debt) "
            "VALUES ($1, $2, 'points', 9007199254740991, 0, 0, 0) ON CONFLICT DO NOTHING",
            shop.program.id,
            shop.names["anna"],
        )
        done = await shop.reward()
        assert (done.referrals, len(done.unrewarded)) == (16, 8)
        assert await ledger.count("referral", "due_at IS NOT NULL") == 8
