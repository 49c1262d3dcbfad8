"""A tier runs out while its member buys and brings back: it is reviewed once, by whoever comes first, and nothing is lost."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import pytest

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.application.settle_due_points import settle_due_points
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.sessions import Sessions
from tests.harness.api import Api
from tests.harness.crowds import in_crowd, shuffled, size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document, owner

MEMBERS = size(40, 1_000)
RUNS = 2
STATUS = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "lasts": {"kind": "window"},
    "tiers": [{"key": "silver", "at_least": 5000}, {"key": "gold", "at_least": 10000}],
}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(time_zone="UTC"), "tier_sets": [STATUS]}, is_sandbox=True)


async def run(program: Program, now: datetime) -> int:
    """Review whoever is due, as a worker does."""
    async with (
        owner(program.database_url) as one,
        owner(program.database_url) as other,
        create_pool(program.database_url, size=1) as pool,
    ):
        settled = await settle_due_points((one, other), Rulesets(Sessions(pool)), program.id, now=now)
    assert settled.unsettled == ()
    return settled.members


async def accepted(act: Any) -> Any:  # noqa: ANN401 - a call of the API
    answer = await act()
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.slow
async def test_orders_and_returns_race_the_review(clients: Api, program: Program, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(MEMBERS)]
    now = datetime.fromisoformat((await clients.get("/program/clock")).json()["now"])
    bought = await in_crowd(
        [partial(clients.post_order, member, 12000, placed_at=now.isoformat()) for member in members], people=8
    )
    later = datetime(now.year + 1, 3, 1, tzinfo=now.tzinfo)
    await accepted(partial(clients.post, "/program/clock", {"to": later.isoformat()}))

    acts = []
    for member, old in zip(members, bought, strict=True):
        acts.append(partial(clients.post_order, member, 6000, placed_at=later.isoformat()))
        acts.append(partial(clients.cancel_order, old.json()["id"]))
    runs = [asyncio.create_task(run(program, later)) for _ in range(RUNS)]
    answers = await in_crowd(shuffled(acts, seed=8), people=16)
    await asyncio.gather(*runs)

    assert {answer.is_success for answer in answers} == {True}
    assert await tiers_of(ledger) == [("silver", MEMBERS)]
    assert await reviews_of(ledger) == dict.fromkeys([read_id("mem", member) for member in members], 1)
    report = await check_rows(ledger.connection, program.id)
    assert [finding.name for finding in report.findings if finding.offences] == []
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def tiers_of(ledger: Ledger) -> list[tuple[str, int]]:
    sql = "SELECT tier, count(*) FROM member_tier WHERE program_id = $1 GROUP BY 1"
    return [(row[0], row[1]) for row in await ledger.connection.fetch(sql, ledger.program_id)]


async def reviews_of(ledger: Ledger) -> dict[Any, int]:
    """Return how often each member was reviewed."""
    sql = "SELECT member_id, count(*) FROM operation WHERE program_id = $1 AND kind = 'tier_review' GROUP BY 1"
    rows: list[asyncpg.Record] = await ledger.connection.fetch(sql, ledger.program_id)
    return {row[0]: row[1] for row in rows}
