"""G9: acknowledged is durable under kill -9 of API processes, of PostgreSQL's backends and of PostgreSQL itself.

A history of many callers is kept beside the service while it is killed and frozen. When it is over, every request that was
acknowledged is there once, every refused one is not, and every unknown one is found out by its key.
"""

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.invariants import ANSWERS, INVARIANTS
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.partitions import make_partitions
from tests.harness.api import Api
from tests.harness.crowds import UNKNOWN, size
from tests.harness.customers import SOLD, Shop, visit
from tests.harness.histories import Entry, History
from tests.harness.killers import DEEDS, Killer
from tests.harness.ledger import Ledger
from tests.harness.postgres import migrate, run_apart
from tests.harness.programs import Program, make_program
from tests.harness.servers import serve
from tests.harness.verdicts import judge

SECONDS = size(60, 900)
KILLS = size(4, 90)
CALLERS = 32
PATIENCE_SECONDS = 30
TIMEOUT_SECONDS = 2.0
PAUSE = (1.0, 4.0)
QUIET_SECONDS = 6.0
"""By then nothing is under way any more of what callers gave up: statements may take five seconds."""

SEED = "crash history"

NEEDED = Counter(
    {
        "acknowledged": size(400, 5_000),
        "refused": size(40, 1_000),
        "ambiguous": size(20, 300),
        "replays": size(40, 1_000),
        "unresolved but booked": size(5, 100),
        "confirmed": size(10, 300),
        "ended otherwise": size(4, 200),
        "rose": size(20, 500),
        "fell": size(2, 40),
        "friends rewarded": size(5, 50),
        "friends lost": size(1, 10),
        "memberships paid": size(20, 400),
        "memberships ended": size(5, 100),
        "memberships lapsed": size(1, 10),
    }
)
"""With less than that the run proves nothing."""


@contextmanager
def own_cluster() -> Iterator[EmbeddedServer]:
    """Run a PostgreSQL that nobody else uses, so that it may be killed."""
    # pytest's own directories are closed to the account that PostgreSQL runs as when we are root
    directory = Path(tempfile.mkdtemp(prefix="loyalty-crash-"))
    directory.chmod(0o755)
    try:
        with EmbeddedServer(directory / "state", restarts_per_minute=60) as server:
            migrate(server.url)
            run_apart(make_partitions(server.url, datetime.now(UTC)))
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def opened_shop(urls: tuple[str, ...], program: Program) -> AsyncIterator[Shop]:
    """Open a shop that sells on several API processes."""
    async with Api(urls, program.admin, timeout_seconds=TIMEOUT_SECONDS) as api:
        shop = Shop(History(api))
        await shop.open()
        yield shop


async def crowd(shop: Shop, until: asyncio.Event, *, callers: int) -> None:
    """Let callers do what they do, each by dice of its own."""
    await asyncio.gather(*(visit(shop, random.Random(f"{SEED} {number}"), until) for number in range(callers)))


async def judge_all(shop: Shop, program: Program) -> list[str]:
    """Return all contradictions between the history, the keys and the rows."""
    api = shop.history.api
    api.http.timeout = 30.0
    await asyncio.sleep(QUIET_SECONDS)
    async with Ledger.open(program) as ledger:
        faults = await judge(shop.history, ledger)
        faults += await ledger.faults()
        faults += map(str, await ledger.misfits())
        report = await check_rows(ledger.connection, program.id, invariants=[*INVARIANTS, *ANSWERS])
    return faults + [finding.name for finding in report.findings if finding.offences]


async def count_ends(program: Program) -> Counter[str]:
    """Count what became of reservations."""
    async with Ledger.open(program) as ledger:
        ends = await ledger.connection.fetch("SELECT how FROM reservation_end WHERE program_id = $1", program.id)
    return Counter("confirmed" if row["how"] == "confirmed" else "ended otherwise" for row in ends)


def count_moves(history: History) -> Counter[str]:
    """Count whom an acknowledged request led up a ladder, or down."""
    moves: Counter[str] = Counter()
    for entry in history.entries:
        if entry.outcome is not None and entry.outcome.is_accepted:
            for move in json.loads(entry.outcome.content).get("tiers", []):
                now, before = move["tier"] or "", move["from"] or ""
                moves.update(rose=now > before, fell=now < before)
    return moves


async def count_kinds(program: Program) -> Counter[str]:
    """Count whom friends brought what, how often that was taken back, and what became of memberships."""
    async with Ledger.open(program) as ledger:
        kinds = await ledger.connection.fetch("SELECT kind FROM operation WHERE program_id = $1", program.id)
    counts = Counter(row["kind"] for row in kinds)
    return Counter(
        {
            "friends rewarded": counts["referral_reward"],
            "friends lost": counts["referral_reversal"],
            "memberships paid": counts["plan_payment"],
            "memberships ended": counts["plan_cancel"] + counts["plan_refund"],
            "memberships lapsed": counts["plan_lapse"],
        }
    )


def was_booked_unheard(entry: Entry) -> bool:
    """Tell whether a request that nobody got an answer for turned out to be an operation already."""
    last = entry.answers[-1]
    return last is not None and last.is_accepted and last.is_replayed


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_what_was_acknowledged_survives_every_kill(capsys: pytest.CaptureFixture[str]) -> None:
    with own_cluster() as database, serve(database.url) as servers:
        program = await make_program(database.url, SOLD)
        async with opened_shop(servers.urls, program) as shop:
            killer, over = Killer(servers, database, random.Random(SEED)), asyncio.Event()
            callers = asyncio.create_task(crowd(shop, over, callers=CALLERS))
            await killer.haunt(pause=PAUSE, until=time.monotonic() + SECONDS, at_least=KILLS)
            over.set()
            await callers
            counts = shop.history.count()
            unresolved = [entry for entry in shop.history.entries if entry.outcome is None]
            contradictions = await judge_all(shop, program)
            counts += await count_ends(program) + count_moves(shop.history) + await count_kinds(program)
            counts["unresolved but booked"] = sum(was_booked_unheard(entry) for entry in unresolved)
            with capsys.disabled():
                print(f"\n  {SECONDS} s of crashes: {dict(counts)}, {dict(killer.deeds)}")  # noqa: T201 - what the run is worth

            assert contradictions == []
            assert counts >= NEEDED
            assert killer.kills >= KILLS
            assert {*killer.deeds} == {*DEEDS}


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("fault", ["early acknowledgements", "forgotten keys", "forgotten ends", "forgotten plans"])
async def test_a_history_shows_a_planted_fault(database_url: str, fault: str) -> None:
    program = await make_program(database_url, SOLD)
    with serve(database_url, module="tests.harness.staged", TEST_FAULT=fault) as servers:
        async with opened_shop(servers.urls, program) as shop:
            over = asyncio.Event()
            callers = asyncio.create_task(crowd(shop, over, callers=8))
            await asyncio.sleep(3)
            over.set()
            # Whom the fault lets ask for ever is not waited for.
            _, asking = await asyncio.wait({callers}, timeout=PATIENCE_SECONDS)
            for task in asking:
                task.cancel()
            await asyncio.wait({callers})
            try:
                contradictions = await judge_all(shop, program)
            except AssertionError as error:
                assert UNKNOWN in str(error)  # noqa: PT017 - what stays unknown is a contradiction, too
            else:
                assert contradictions != []
