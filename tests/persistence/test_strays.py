"""Rows in DEFAULT move to their months while nobody is connected, and stay where they are while anybody is."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.persistence.connections import SHUT_GATE, connect, create_pool
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.strays import move_strays
from tests.persistence.writes import ADD_REFUSAL

OLD, FOREIGN = UUID("019a3d00-0000-7000-8000-000000000001"), UUID("019a3d00-0000-4000-8000-000000000001")
PLACES = "SELECT id, tableoid::regclass::text AS place FROM loyalty.refusal ORDER BY id"


async def add(url: str, *ids: UUID) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert {await connection.fetchval(ADD_REFUSAL, new) for new in ids} == {"loyalty.refusal_default"}
    finally:
        await connection.close()


async def places(url: str) -> list[tuple[UUID, str]]:
    connection = await asyncpg.connect(url)
    try:
        return [(row["id"], row["place"]) for row in await connection.fetch(PLACES)]
    finally:
        await connection.close()


async def test_rows_of_all_months_move_with_whatever_lies_between(fresh_url: str) -> None:
    now = datetime.now(UTC)
    new = uuid7()
    await add(fresh_url, OLD, FOREIGN, new)

    assert await move_strays(fresh_url, now) == (["refusal_2025_11", f"refusal_{now:%Y_%m}"], [])

    assert await places(fresh_url) == [
        (FOREIGN, "loyalty.refusal_2025_11"),
        (OLD, "loyalty.refusal_2025_11"),
        (new, f"loyalty.refusal_{now:%Y_%m}"),
    ]
    assert await move_strays(fresh_url, now) == ([], [])


@pytest.mark.parametrize("role", ["loyalty_app", "loyalty_owner"])
async def test_rows_stay_while_anybody_is_connected(fresh_url: str, role: str) -> None:
    await add(fresh_url, OLD)
    connection = await connect(fresh_url, role=role)
    try:
        assert await move_strays(fresh_url, datetime.now(UTC)) == ([], ["refusal_2025_11"])
        assert await places(fresh_url) == [(OLD, "loyalty.refusal_default")]
    finally:
        await connection.close()
    assert await move_strays(fresh_url, datetime.now(UTC)) == (["refusal_2025_11"], [])


async def test_rows_stay_while_a_pool_is_connected(fresh_url: str) -> None:
    await add(fresh_url, OLD)
    async with create_pool(fresh_url, size=1) as pool:
        await pool.execute("SELECT 1")
        assert await move_strays(fresh_url, datetime.now(UTC)) == ([], ["refusal_2025_11"])


async def test_who_left_a_moment_ago_is_waited_for(fresh_url: str) -> None:
    await add(fresh_url, OLD)
    connection = await connect(fresh_url)
    asyncio.get_running_loop().call_later(0.5, connection.terminate)

    assert await move_strays(fresh_url, datetime.now(UTC)) == (["refusal_2025_11"], [])


async def test_login_without_rights_to_watch_sees_who_is_connected(fresh_url: str) -> None:
    """Other accounts' connections count, too."""
    await add(fresh_url, OLD)
    admin = await asyncpg.connect(fresh_url)
    mover = f"loyalty_mover_{admin.get_server_pid()}"
    try:
        await admin.execute(f"CREATE ROLE {mover} LOGIN IN ROLE loyalty_owner")
        connection = await connect(fresh_url)
        try:
            url = fresh_url.replace("postgres@", f"{mover}@")
            assert await move_strays(url, datetime.now(UTC)) == ([], ["refusal_2025_11"])
        finally:
            await connection.close()
        assert await move_strays(url, datetime.now(UTC)) == (["refusal_2025_11"], [])
    finally:
        await admin.execute(f"DROP ROLE {mover}")
        await admin.close()


async def test_nobody_connects_while_rows_move(fresh_url: str) -> None:
    mover = await asyncpg.connect(fresh_url)
    try:
        async with mover.transaction():
            await mover.execute(SHUT_GATE)
            with pytest.raises(UnavailableError, match=r"^`loyalty migrate` is moving history$"):
                await connect(fresh_url, lock_timeout="100ms")
            with pytest.raises((UnavailableError, TimeoutError)):
                async with create_pool(fresh_url, size=1) as pool, pool.acquire(timeout=3.0):
                    pytest.fail("the pool let somebody in")
        await (await connect(fresh_url, lock_timeout="100ms")).close()
    finally:
        await mover.close()
