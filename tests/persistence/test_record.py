"""Record: all or nothing, guarded by versions and caps; both shapes write the same rows."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.rows import rows_of
from tests.harness import ledger as harness
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import TABLES, find_faults
from tests.harness.programs import MakeProgram, Program, owner
from tests.persistence.writes import Writer, enrolled, record_all

ROUNDS = size(30, 1000)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[list[Connection]]:
    opened = [await connect(database_url, lock_timeout="10s") for _ in range(4)]
    yield opened
    for one in opened:
        await one.close()


async def rows_in(program: Program) -> dict[str, list[str]]:
    """Return all rows of a program but its own number, and when and by which transaction they were written."""
    found = {}
    async with owner(program.database_url) as reader:
        for table in TABLES:
            rows = await reader.fetch(
                f"SELECT (to_jsonb(t) - 'program_id' - 'transaction' - 'created_at')::text AS row "
                f'FROM loyalty."{table}" t WHERE program_id = $1 ORDER BY 1',
                program.id,
            )
            found[table] = [row["row"] for row in rows]
    return found


async def test_both_shapes_write_the_same_rows(connection: Connection, new_program: MakeProgram) -> None:
    """One program records each write alone, the other always together with a stranger's: shape S and shape B."""
    alone, together, writer = await new_program(), await new_program(), Writer()
    writes = [
        writer.enrol(),
        writer.buy(2500),
        writer.redeem(20),
        writer.adjust(-90),
        writer.buy(9900),
        writer.buy(500, pay=10),
        writer.prolong(),
        writer.adjust(60),
        writer.hold(20),
    ]
    assert [rows_of([write]).fits_shape_s for write in writes] == [False, *[True] * 7, False]

    for write in writes:
        assert await record_all(connection, alone.id, write) == [True]
        assert await record_all(connection, together.id, write, Writer().enrol()) == [True, True]

    kept = await rows_in(together)
    for table, rows in (await rows_in(alone)).items():
        assert set(rows) <= set(kept[table]), table
        assert len(rows) == len(kept[table]) - (len(writes) if _belongs_to_enrolment(table) else 0)
    for program in (alone, together):
        async with owner(program.database_url) as reader:
            await reader.execute("SET search_path = loyalty")
            assert await find_faults(reader, program.id) == []


def _belongs_to_enrolment(table: str) -> bool:
    return table in {"member", "member_identity", "member_profile", "operation", "operation_detail", "idempotency"}


@pytest.mark.parametrize("is_batch", [False, True])
async def test_a_lost_guard_writes_nothing(
    connection: Connection, program: Program, ledger: harness.Ledger, is_batch: bool
) -> None:
    writer = await enrolled(connection, program.id, 100)
    stale = writer.facts
    assert await record_all(connection, program.id, writer.redeem(10)) == [True]
    writer.facts = stale
    late = [writer.buy(5000, pay=10)]
    before = await ledger.fingerprint(), await ledger.counts()

    if is_batch:
        late *= 2
    assert await record_all(connection, program.id, *late) == [False] * len(late)

    assert (await ledger.fingerprint(), await ledger.counts()) == before


async def test_a_loser_does_not_hurt_its_neighbours(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    winner, loser = await enrolled(connection, program.id, 100), await enrolled(connection, program.id, 100)
    stale = loser.facts
    assert await record_all(connection, program.id, loser.redeem(10)) == [True]
    loser.facts = stale

    won = await record_all(connection, program.id, winner.redeem(20), loser.redeem(30), Writer().enrol())

    assert won == [True, False, True]
    assert sorted((await ledger.nets()).values()) == [80, 90]
    assert await ledger.faults() == []


async def test_a_member_that_does_not_exist_has_no_fresh_version(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    stranger = Writer()
    stranger.enrol()

    assert await record_all(connection, program.id, stranger.adjust(10)) == [False]
    assert await record_all(connection, program.id, stranger.adjust(10), stranger.adjust(10)) == [False, False]

    assert set((await ledger.counts()).values()) == {0}


async def test_a_known_key_hurts_no_neighbour(database_url: str, program: Program, ledger: harness.Ledger) -> None:
    """The whole batch fails on the unique key, and then each is tried alone."""
    running = Ledger(database_url, gather_connections=1, record_connections=1, batch_limit=32)
    await running.start()
    writers = [Writer() for _ in range(6)]
    assert all(await asyncio.gather(*(running.record(program.id, writer.enrol()) for writer in writers)))
    assert await running.record(program.id, writers[0].adjust(10, key="used"))

    writes = [writer.adjust(10, key="used" if n == 3 else None) for n, writer in enumerate(writers)]
    won = await asyncio.gather(*(running.record(program.id, write) for write in writes))
    await running.stop()

    assert won == [True, True, True, False, True, True]
    assert await ledger.faults() == []


async def test_two_of_one_key_in_one_batch_write_one(
    database_url: str, program: Program, ledger: harness.Ledger
) -> None:
    running = Ledger(database_url, gather_connections=1, record_connections=1, batch_limit=32)
    await running.start()
    writers = [Writer() for _ in range(4)]
    assert all(await asyncio.gather(*(running.record(program.id, writer.enrol()) for writer in writers)))

    won = await asyncio.gather(*(running.record(program.id, writer.adjust(10, key="one")) for writer in writers))
    await running.stop()

    assert sorted(won) == [False, False, False, True]
    assert await ledger.faults() == []


async def test_batches_in_any_order_never_wait_in_a_circle(
    connections: list[Connection], program: Program, ledger: harness.Ledger
) -> None:
    """Four connections record batches over the same members, each in its own order, again and again."""
    members = [await enrolled(connections[0], program.id) for _ in range(6)]
    won = 0

    async def work(position: int) -> None:
        nonlocal won
        for number in range(ROUNDS):
            order = members[:: 1 if (position + number) % 2 else -1]
            starts = [writer.facts for writer in order]
            writes = [writer.adjust(1) for writer in order]
            for writer, start in zip(order, starts, strict=True):
                writer.facts = start
            kept = await record_all(connections[position], program.id, *writes)
            for writer, write, is_won in zip(order, writes, kept, strict=True):
                if is_won:
                    (guard,) = write.members
                    won += 1
                    writer.facts = type(writer.facts)(member=guard.after)

    await asyncio.gather(*(work(position) for position in range(len(connections))))

    assert won >= ROUNDS
    assert sum((await ledger.nets()).values()) == won
    assert await ledger.faults() == []


async def test_programs_never_meet(connection: Connection, new_program: MakeProgram) -> None:
    """The same ids, keys and identities in two programs are different rows."""
    one, two, writer = await new_program(), await new_program(), Writer()
    writes = [writer.enrol(), writer.adjust(50, key=fresh("k"))]

    for program in (one, two):
        for write in writes:
            assert await record_all(connection, program.id, write) == [True]
    assert await record_all(connection, one.id, writer.redeem(10)) == [True]

    async with harness.Ledger.open(one) as first, harness.Ledger.open(two) as second:
        assert list((await first.nets()).values()) == [40]
        assert list((await second.nets()).values()) == [50]
        assert await first.faults() == await second.faults() == []
