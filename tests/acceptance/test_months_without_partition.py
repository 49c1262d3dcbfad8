"""A service whose months have no partition yet: nobody notices when they get one, and old rows move when it is down."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from loyalty_engine.persistence.partitions import make_partitions
from tests.harness.api import Api, fresh, order_body
from tests.harness.ledger import Ledger
from tests.harness.postgres import migrate, other_database, run_apart
from tests.harness.programs import make_program
from tests.harness.servers import serve
from tests.harness.service import run

FIRST_ORDERS = 200
LOOKS = 12
PEOPLE = 6

IN_DEFAULT = """
SELECT (SELECT count(*) FROM loyalty.operation_default) + (SELECT count(*) FROM loyalty.posting_default)
     + (SELECT count(*) FROM loyalty.operation_detail_default) + (SELECT count(*) FROM loyalty.order_default)
"""


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def bare_url(database_url: str) -> Iterator[str]:
    """A database with the schema and no partition of any month, for this test alone."""
    name = f"loyalty_bare_{os.getpid()}"
    run_apart(execute(database_url, f"CREATE DATABASE {name}"))
    url = other_database(database_url, name)
    migrate(url)
    yield url
    run_apart(execute(database_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def test_nobody_notices_that_partitions_are_made(bare_url: str) -> None:
    program = await make_program(bare_url)
    async with Ledger.open(program) as ledger:
        with serve(bare_url, count=2) as servers:
            async with Api(servers.urls, program.admin) as api:
                await _crowd_while_tended(api, ledger, bare_url)
            before = await ledger.connection.fetchval(IN_DEFAULT)
            assert before > 4 * FIRST_ORDERS
            beside = run("migrate", LOYALTY_DATABASE_URL=bare_url)
            assert beside.returncode == 0
            assert "left in DEFAULT: rows of 4 partitions, operation_" in beside.stdout
            assert await ledger.connection.fetchval(IN_DEFAULT) == before
    assert run("migrate", LOYALTY_DATABASE_URL=bare_url).stdout == "the schema is up to date\n"
    async with Ledger.open(program) as ledger:
        assert await ledger.connection.fetchval(IN_DEFAULT) == 0
        assert await ledger.faults() == []


async def _crowd_while_tended(api: Api, ledger: Ledger, url: str) -> None:
    """Buy, repeat what was bought, and audit, while somebody looks again and again for partitions to make."""
    sent: list[tuple[dict[str, Any], str, bytes]] = []
    is_over = asyncio.Event()

    async def buy(member: str) -> None:
        body, key = order_body(member), fresh("k")
        answer = await api.post("/orders", body, key=key)
        assert answer.status_code == 201, answer.text
        sent.append((body, key, answer.content))

    async def shop(member: str) -> None:
        while not is_over.is_set():
            await buy(member)

    async def repeat(step: int) -> None:
        while not is_over.is_set():
            body, key, first = sent[step % len(sent)]
            assert (await api.post("/orders", body, key=key)).content == first
            step += 7

    async def audit() -> None:
        while not is_over.is_set():
            assert await ledger.faults() == []

    members = [await api.new_member() for _ in range(PEOPLE)]
    for number in range(FIRST_ORDERS):
        await buy(members[number % PEOPLE])
    async with asyncio.TaskGroup() as group:
        for number, member in enumerate(members):
            group.create_task(shop(member))
            group.create_task(repeat(number))
        group.create_task(audit())
        for _ in range(LOOKS):
            await asyncio.sleep(0.3)
            await make_partitions(url, datetime.now(UTC))
        is_over.set()
