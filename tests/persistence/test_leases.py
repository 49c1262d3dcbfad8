"""What reservations hold of shared counters: it counts until it runs out, and becomes a use or nothing, with no room needed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from tests.harness.programs import Program, owner
from tests.persistence.test_counters import RECORD_B, counters
from tests.persistence.writes import NOW

SOON = NOW + timedelta(minutes=10)
LATER = NOW + timedelta(minutes=20)

Take = tuple[int, int] | tuple[int, int, datetime | None]
"""A write's number and an amount, and until when that is held; counted from 1 under a cap of 10 by default."""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url, lock_timeout="10s")
    yield opened
    await opened.close()


async def take(
    connection: Connection, program: Program, *takes: Take, now: datetime = NOW, cap: int = 10, key: str = "a"
) -> list[int]:
    """Let the writes that are numbered take from one counter, and return who won."""
    rows = [(n, uuid4(), key, amount, cap, until[0] if until else None, now) for n, amount, *until in takes]
    won: list[int] = await connection.fetchval(RECORD_B, program.id, sorted({row[0] for row in rows}), rows)
    return won


async def leases(program: Program) -> list[tuple[str, datetime, int]]:
    async with owner(program.database_url) as reader:
        rows = await reader.fetch(
            "SELECT counter, until, amount FROM loyalty.counter_lease WHERE program_id = $1 ORDER BY 1, 2", program.id
        )
    return [tuple(row) for row in rows]


async def uses(program: Program) -> int:
    async with owner(program.database_url) as reader:
        count: int = await reader.fetchval("SELECT count(*) FROM loyalty.counter_use WHERE program_id = $1", program.id)
    return count


async def shown(connection: Connection, program: Program, *keys: str, now: datetime) -> dict[str, int]:
    """Return how much of counters gather shows as taken."""
    [[(_, facts)]] = await gather(connection, [Question(program.id, (Ask(1, "", None, counters=keys, now=now),))])
    return dict(facts.counters)


async def test_a_lease_is_no_use(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 3, SOON)) == [0]

    assert await counters(program) == {"a": (0, 10)}
    assert await leases(program) == [("a", SOON, 3)]
    assert await uses(program) == 0


async def test_leases_that_run_out_together_are_one_row(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 3, SOON)) == [0]
    assert await take(connection, program, (0, 2, SOON), (1, 1, SOON), (2, 1, LATER)) == [0, 1, 2]

    assert await leases(program) == [("a", SOON, 6), ("a", LATER, 1)]


@pytest.mark.parametrize(("now", "has_room"), [(NOW, False), (SOON - timedelta(microseconds=1), False), (SOON, True)])
async def test_a_lease_counts_until_it_runs_out(
    connection: Connection, program: Program, now: datetime, has_room: bool
) -> None:
    assert await take(connection, program, (0, 10, SOON)) == [0]

    assert await shown(connection, program, "a", "b", now=now) == {"a": 0 if has_room else 10}
    assert await take(connection, program, (0, 1), now=now) == ([0] if has_room else [])
    assert await take(connection, program, (0, 1, LATER), now=now) == ([0] if has_room else [])


async def test_uses_and_leases_share_the_room(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 4), (1, 4, SOON), (2, 3), (3, 2, LATER)) == [0, 1]
    assert await take(connection, program, (0, 1, LATER), (1, 1)) == [0, 1]
    assert await take(connection, program, (0, 1, LATER)) == []
    assert await shown(connection, program, "a", now=NOW) == {"a": 10}


async def test_whoever_loses_leaves_neither_counter_nor_lease(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 11, SOON)) == []

    assert await counters(program) == {}
    assert await leases(program) == []


async def test_a_lease_becomes_a_use_on_a_full_counter(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 6, SOON), (1, 4)) == [0, 1]

    assert await take(connection, program, (0, 6), (0, -6, SOON)) == [0]

    assert await counters(program) == {"a": (10, 10)}
    assert await leases(program) == [("a", SOON, 0)]
    assert await uses(program) == 2


async def test_a_lease_becomes_a_use_though_the_cap_was_lowered(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 6, SOON), (1, 4)) == [0, 1]
    assert await take(connection, program, (0, 1), cap=5) == []

    assert await take(connection, program, (0, 6), (0, -6, SOON), cap=5) == [0]

    assert await counters(program) == {"a": (10, 10)}


async def test_a_reservation_is_replaced_on_a_full_counter(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 1, SOON), (1, 9)) == [0, 1]

    assert await take(connection, program, (0, -1, SOON), (0, 1, LATER)) == [0]
    assert await take(connection, program, (0, -1, LATER), (0, 2, LATER)) == []

    assert await leases(program) == [("a", SOON, 0), ("a", LATER, 1)]


async def test_a_lease_that_ran_out_makes_no_room_for_its_successor(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 1, SOON), (1, 9)) == [0, 1]
    assert await take(connection, program, (0, 1), now=SOON) == [0]

    assert await take(connection, program, (0, -1, SOON), (0, 1, LATER), now=SOON) == []

    assert await leases(program) == [("a", SOON, 1)]


@pytest.mark.parametrize("until", [None, LATER])
async def test_a_clock_that_is_behind_keeps_nothing_that_was_given_away(
    connection: Connection, program: Program, until: datetime | None
) -> None:
    assert await take(connection, program, (0, 1, SOON), (1, 9)) == [0, 1]
    assert await take(connection, program, (0, 1), now=SOON) == [0]

    behind = SOON - timedelta(seconds=1)
    assert await take(connection, program, (0, 1, until), (0, -1, SOON), now=behind) == []

    assert await counters(program) == {"a": (10, 10)}
    assert await leases(program) == [("a", SOON, 1)]


async def test_the_slowest_clock_of_a_batch_decides(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 10, SOON)) == [0]

    rows = [(0, uuid4(), "a", 1, 10, None, SOON), (1, uuid4(), "a", 1, 10, None, NOW)]
    assert await connection.fetchval(RECORD_B, program.id, [0, 1], rows) == []
    assert await connection.fetchval(RECORD_B, program.id, [0], rows[:1]) == [0]


@pytest.mark.parametrize(("amount", "until"), [(-3, LATER), (-4, SOON)])
async def test_what_is_given_back_must_be_there(
    connection: Connection, program: Program, amount: int, until: datetime
) -> None:
    assert await take(connection, program, (0, 3, SOON)) == [0]

    assert await take(connection, program, (0, -2, SOON), (1, amount, until)) == [0]

    assert await leases(program) == [("a", SOON, 1)]


async def test_a_batch_gives_back_no_more_than_there_is(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 3, SOON)) == [0]

    assert await take(connection, program, (0, -2, SOON), (1, -2, SOON), (2, -1, SOON), (3, 2, SOON)) == [0, 3]

    assert await leases(program) == [("a", SOON, 3)]


async def test_a_negative_lease_on_nothing_loses(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, -1, SOON)) == []

    assert await counters(program) == {}


async def test_what_a_write_gives_back_makes_room_for_what_it_takes(connection: Connection, program: Program) -> None:
    assert await take(connection, program, (0, 10)) == [0]

    assert await take(connection, program, (0, -1), (0, 1)) == [0]
    assert await take(connection, program, (0, -1), (1, 1)) == [0]

    assert await counters(program) == {"a": (9, 10)}


async def test_the_last_room_is_reserved_once(program: Program, database_url: str) -> None:
    """Locks come first: whoever waited for a counter sees the leases of whoever held it."""
    opened: Sequence[Connection] = [await connect(database_url, lock_timeout="10s") for _ in range(4)]

    async def rush(connection: Connection) -> int:
        return sum([len(await take(connection, program, (0, 1, SOON))) for _ in range(25)])

    won = await asyncio.gather(*map(rush, opened))
    for connection in opened:
        await connection.close()

    assert sum(won) == 10
    assert await leases(program) == [("a", SOON, 10)]
