"""Batching: nobody waits for a database that is away, and everybody is served again when it is back."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg
import pytest

from loyalty_engine.persistence.batching import Batcher
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.errors import UnavailableError


async def double(connection: Connection, items: Sequence[int]) -> list[int]:
    rows = await connection.fetch("SELECT x * 2 AS y FROM unnest($1::int[]) WITH ORDINALITY u(x, n) ORDER BY n", items)
    return [row["y"] for row in rows]


def batcher(url: str) -> Batcher[int, int]:
    return Batcher(url, double, name="test", connections=3, limit=8, group=lambda _: None, alone=lambda item: [item])


async def test_lost_connections_are_noticed_while_idle(database_url: str) -> None:
    batches = batcher(database_url)
    await batches.start()
    try:
        assert await asyncio.wait_for(batches.submit(21), 5) == 42
        killer = await asyncpg.connect(database_url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT x * 2%' AND pid <> pg_backend_pid()"
        )
        await killer.close()
        await asyncio.sleep(1)
        assert await asyncio.wait_for(batches.submit(4), 5) == 8
    finally:
        await batches.stop()


async def test_a_server_that_lets_nobody_in_is_told_at_once(database_url: str) -> None:
    batches = batcher(urlsplit(database_url)._replace(path="/no_such_database").geturl())
    await batches.start()
    try:
        for _ in range(4):
            with pytest.raises(UnavailableError):
                await asyncio.wait_for(batches.submit(1), 5)
        assert not batches.is_connected
    finally:
        await batches.stop()


async def test_an_item_that_cannot_be_sent_hurts_nobody_else(database_url: str) -> None:
    batches = batcher(database_url)
    await batches.start()
    try:
        good, bad = batches.submit(3), batches.submit(2**40)
        assert await asyncio.wait_for(good, 5) == 6
        with pytest.raises(asyncpg.DataError):
            await asyncio.wait_for(bad, 5)
    finally:
        await batches.stop()


async def test_what_the_answered_ask_next_travels_with_what_waits(database_url: str) -> None:
    sizes: list[int] = []
    is_under_way = asyncio.Event()

    async def count(connection: Connection, items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        is_under_way.set()
        return await double(connection, items)

    batches = Batcher(
        database_url, count, name="test", connections=1, limit=8, group=lambda _: None, alone=lambda _: ()
    )

    async def ask_twice(item: int) -> None:
        await batches.submit(item)
        for _ in range(item):  # some are slower than others to send their answer on and hear of more
            await asyncio.sleep(0)
        await batches.submit(item)

    async def ask_once_others_are_under_way() -> None:
        await is_under_way.wait()
        await batches.submit(5)

    await batches.start()
    try:
        await asyncio.wait_for(asyncio.gather(*map(ask_twice, range(4)), ask_once_others_are_under_way()), 5)
    finally:
        await batches.stop()
    assert sizes == [4, 5]
