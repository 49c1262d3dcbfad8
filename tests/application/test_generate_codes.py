"""Generating codes by itself: rivals, and patterns without room."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from loyalty_engine.application import generate_codes as generating
from loyalty_engine.application.generate_codes import NoRoomError, generate_codes
from loyalty_engine.persistence.code_pools import CodePool, add_pool, find_pool
from loyalty_engine.persistence.connections import APPLICATION_ROLE, OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.imports import entered
from tests.harness.programs import Program


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[list[Connection]]:
    roles = (OWNER_ROLE, APPLICATION_ROLE, APPLICATION_ROLE)
    opened = [await connect(database_url, role=role) for role in roles]
    yield opened
    for connection in opened:
        await connection.close()


async def add(connection: Connection, program: Program, pattern: str) -> None:
    async with entered(connection, program.id):
        pool = CodePool("p1", "generated", datetime.now(UTC), promotion="autumn", pattern=pattern)
        assert await add_pool(connection, program.id, pool)


async def count(connection: Connection, program: Program) -> tuple[int, int]:
    """Return how many codes the pool says it has, and how many there are."""
    async with entered(connection, program.id):
        pool = await find_pool(connection, program.id, "p1")
        assert pool is not None
        stored = await connection.fetchval("SELECT count(*) FROM loyalty.promo_code WHERE program_id = $1", program.id)
        return pool.codes, int(stored)


async def test_two_that_fill_one_pool_make_no_code_too_many(
    program: Program, connections: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "_BATCH", 400)
    own, one, other = connections
    await add(own, program, "########")

    made = await asyncio.gather(
        generate_codes((one, None), program.id, "p1", 5_000, tell=lambda _: None),
        generate_codes((other, own), program.id, "p1", 5_000, tell=lambda _: None),
    )

    assert [*made] == [5_000, 5_000]
    assert await count(own, program) == (5_000, 5_000)


async def test_a_pattern_without_room_is_given_up(program: Program, connections: list[Connection]) -> None:
    own, one, _ = connections
    await add(own, program, "AAA#")
    told: list[int] = []

    with pytest.raises(NoRoomError):
        await generate_codes((one, None), program.id, "p1", 33, tell=told.append)

    codes, stored = await count(own, program)
    assert (codes, told[-1]) == (stored, stored)
    assert 20 < stored <= 32


async def test_a_pool_that_is_full_takes_no_more(program: Program, connections: list[Connection]) -> None:
    own, one, _ = connections
    await add(own, program, "########")

    for wanted in (70, 70, 50):
        assert await generate_codes((one, None), program.id, "p1", wanted, tell=lambda _: None) == 70

    assert await count(own, program) == (70, 70)
