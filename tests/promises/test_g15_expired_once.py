"""G15: expired points are never spendable, whether a job ran late, twice at once, was killed, or never; each lot expires
once.

Members buy in the past, by a clock of ours; what they have is too old in the real present, where ``loyalty settle`` runs.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.harness.api import Api, code_of, fresh
from tests.harness.clocks import StagedClock
from tests.harness.crowds import in_crowd, insist, shuffled, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers, serve

LOTS = size(400, 100_000)
LOTS_OF_ONE = 5
POINTS = 20
KILLS = size(2, 8)
PAST = timedelta(days=40)


@pytest.fixture
def clock() -> Iterator[StagedClock]:
    """A clock that shows the past."""
    clock = StagedClock.make(datetime.now(UTC) - PAST)
    yield clock
    clock.remove()


@pytest.fixture
def past(database_url: str, clock: StagedClock) -> Iterator[Servers]:
    """Two processes that go by that clock."""
    with serve(database_url, module="tests.harness.staged", TEST_CLOCK=str(clock.path)) as servers:
        yield servers


@pytest.fixture
async def short_lived(new_program: MakeProgram) -> Program:
    """A program whose points last ten days."""
    changed = document(time_zone="UTC")
    changed["wallets"][0]["expiry"] = {"kind": "after", "length": {"days": 10}}
    return await new_program(changed)


@pytest.fixture
async def api(past: Servers, short_lived: Program) -> AsyncIterator[Api]:
    async with Api(past.urls, short_lived.admin) as api:
        yield api


async def shop(api: Api, clock: StagedClock) -> str:
    """Let a member earn some lots, and spend a bit of them; one lot's points are set aside until they are too old."""
    member: str = (await insist(api.enrol, f"card:{fresh('m')}", key=fresh("k"))).json()["id"]
    for _ in range(LOTS_OF_ONE):
        answer = await insist(
            api.post_order, member, 100 * POINTS, key=fresh("k"), order_id=fresh("o"), placed_at=clock().isoformat()
        )
        assert answer.status_code == 201, answer.text
    assert (await insist(api.redeem, member, POINTS // 2, key=fresh("k"))).status_code == 201
    assert (await insist(api.hold, member, POINTS, key=fresh("k"), ttl_seconds=20 * 86_400)).status_code == 201
    return member


async def settle(program: Program) -> asyncio.subprocess.Process:
    """Start the periodic run."""
    environment = {**os.environ, "LOYALTY_DATABASE_URL": program.database_url}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loyalty_engine.cli", "settle", "--program", program.key),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def settle_twice_at_once(program: Program, *, seconds: float | None) -> list[int | None]:
    """Let two runs race each other, and kill them after some time unless that is None; return how they ended."""
    runs = [await settle(program) for _ in range(2)]
    if seconds is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(together(run.wait() for run in runs), seconds)
        for run in runs:
            if run.returncode is None:
                run.kill()
    await together(run.communicate() for run in runs)
    return [run.returncode for run in runs]


async def test_lots_expire_once_however_the_job_fares(api: Api, clock: StagedClock, short_lived: Program) -> None:
    await in_crowd([partial(shop, api, clock)] * (LOTS // LOTS_OF_ONE))
    dice = random.Random(15)
    async with Ledger.open(short_lived) as ledger:
        assert await ledger.count("lot") == LOTS
        for _ in range(KILLS):
            await settle_twice_at_once(short_lived, seconds=dice.uniform(0.8, 2.0))
            assert await ledger.faults() == []
            assert await ledger.misfits() == []

        assert await settle_twice_at_once(short_lived, seconds=None) == [0, 0]

        spent = LOTS // LOTS_OF_ONE * (POINTS // 2)
        assert await ledger.count("lot", "remaining <> 0") == 0
        assert await ledger.count("hold", "ended_by IS NULL") == 0
        assert await ledger.count("lot", "expired + $2 < amount", POINTS // 2) == 0
        expired = "SELECT sum(amount)::bigint FROM posting WHERE program_id = $1 AND destination = 'expired'"
        assert await ledger.connection.fetchval(expired, short_lived.id) == LOTS * POINTS - spent
        twice = """
            SELECT count(*) FROM (SELECT p.lot_id, sum(p.amount) AS gone FROM posting p
                WHERE p.program_id = $1 AND p.destination = 'expired' GROUP BY p.lot_id) x
              JOIN lot l ON l.program_id = $1 AND l.id = x.lot_id WHERE x.gone <> l.expired"""
        assert await ledger.connection.fetchval(twice, short_lived.id) == 0
        assert set((await ledger.nets()).values()) == {0}
        assert await ledger.faults() == []
        assert await ledger.misfits() == []


async def test_what_is_too_old_cannot_be_spent_though_no_job_ran(
    api: Api, clock: StagedClock, short_lived: Program
) -> None:
    members = [await shop(api, clock) for _ in range(size(6, 60))]
    left = LOTS_OF_ONE * POINTS - POINTS // 2 - POINTS
    last = clock() + timedelta(days=10) - timedelta(microseconds=1)
    for moment, spendable in ((last, left), (last + timedelta(microseconds=1), 0)):
        clock.set(moment)
        balances = [(await api.get(f"/members/{member}/balances")).json()["balances"] for member in members]
        assert {row["available"] for [row] in balances} == {spendable}
    for member in members:
        answers = await together(api.redeem(member, points) for points in (10, left))
        assert [code_of(answer) for answer in answers] == ["insufficient_points"] * 2
        assert answers[0].json()["details"]["available"] == 0
    clock.step(days=11)
    for member in shuffled(members, seed=15):
        assert code_of(await api.redeem(member, POINTS)) == "insufficient_points"
        [row] = (await api.get(f"/members/{member}/balances")).json()["balances"]
        assert (row["available"], row["held"]) == (0, 0)
    async with Ledger.open(short_lived) as ledger:
        assert await ledger.faults() == []
        assert await ledger.misfits() == []
