"""What several tests of the rows need."""

import os
import time
from collections.abc import Iterator

import asyncpg
import pytest

from tests.harness.postgres import migrate, other_database, run_apart


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def fresh_url(database_url: str) -> Iterator[str]:
    """A migrated database without partitions of months, for this test alone."""
    name = f"loyalty_months_{os.getpid()}_{time.monotonic_ns()}"
    run_apart(execute(database_url, f"CREATE DATABASE {name}"))
    url = other_database(database_url, name)
    migrate(url)
    yield url
    run_apart(execute(database_url, f"DROP DATABASE {name} WITH (FORCE)"))
