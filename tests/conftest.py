"""The fixtures that all tests share: one PostgreSQL and two API processes per run, a fresh program per test."""

import os
import time
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import settings

from tests.harness.api import Api
from tests.harness.crowds import IS_FULL
from tests.harness.ledger import Ledger
from tests.harness.postgres import migrate, open_database, other_database, run_apart
from tests.harness.programs import MakeProgram, Program, make_program
from tests.harness.servers import Servers, serve

settings.register_profile("same_each_time", derandomize=True)
if not IS_FULL:
    # A run says whether the code is as good as before; `make promises` looks for what nobody has met yet.
    settings.load_profile("same_each_time")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated database of this run alone; on the server of LOYALTY_DATABASE_URL when that is set."""
    with open_database(os.environ.get("LOYALTY_DATABASE_URL")) as url:
        yield url


@pytest.fixture
def fresh_url(database_url: str) -> Iterator[str]:
    """A migrated database without partitions of months, for this test alone."""
    name = f"loyalty_fresh_{os.getpid()}_{time.monotonic_ns()}"
    run_apart(_execute(database_url, f"CREATE DATABASE {name}"))
    url = other_database(database_url, name)
    migrate(url)
    yield url
    run_apart(_execute(database_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def servers(database_url: str) -> Iterator[Servers]:
    """Two API processes on that database."""
    with serve(database_url, count=2) as running:
        yield running


@pytest.fixture
def server(servers: Servers) -> str:
    """The base URL of the first process."""
    return servers[0].url


@pytest.fixture(scope="session")
def new_program(database_url: str) -> MakeProgram:
    """Makes programs: ``await new_program()`` or ``await new_program(document(unknown_card="park"))``."""

    async def make(*args: Any, **kwargs: Any) -> Program:  # noqa: ANN401 - handed on as they are
        return await make_program(database_url, *args, **kwargs)

    return make


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    """A fresh program with an admin and a till key."""
    return await new_program()


@pytest.fixture
async def client(server: str, program: Program) -> AsyncIterator[Api]:
    """The fresh program's admin, calling the first process."""
    async with Api(server, program.admin) as api:
        yield api


@pytest.fixture
async def clients(servers: Servers, program: Program) -> AsyncIterator[Api]:
    """The fresh program's admin, calling both processes in turn."""
    async with Api(servers.urls, program.admin) as api:
        yield api


@pytest.fixture
async def ledger(program: Program) -> AsyncIterator[Ledger]:
    """The fresh program's rows, read as the owner role: what is really there, whatever the API says."""
    async with Ledger.open(program) as rows:
        yield rows


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers said beside a test that failed."""
    report = yield
    running = item.funcargs.get("servers") if report.failed else None
    if isinstance(running, Servers):
        for process in running.processes:
            report.sections.append((f"API process on port {process.port}", process.log[-20_000:]))
    return report
