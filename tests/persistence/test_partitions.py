"""A row goes to the partition of the month in which its id was made; where there is none, to DEFAULT."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.meters import METERS
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.months import Month, months_from
from loyalty_engine.persistence.partitions import make_partitions
from loyalty_engine.persistence.tables import PARTITIONED
from tests.persistence.writes import ADD_REFUSAL

SHAPE = """
SELECT concat((SELECT string_agg(format('%s %s %s %s', a.attname, a.atttypid::regtype, a.attnotnull,
                                        pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
                 FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0), chr(10),
              (SELECT string_agg(format('%s %s', replace(k.conname, $2, ''), pg_get_constraintdef(k.oid)), ', ' ORDER BY k.contype)
                 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'c')), chr(10),
              (SELECT string_agg(replace(pg_get_indexdef(i.indexrelid), $2, ''), ', ' ORDER BY i.indexrelid::regclass::text)
                 FROM pg_index i WHERE i.indrelid = c.oid), chr(10), c.relowner::regrole,
              has_table_privilege('loyalty_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
  FROM pg_class c WHERE c.oid = to_regclass('loyalty.' || $1)
"""
NAMES = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = ('loyalty.' || $1)::regclass ORDER BY 1
"""
NOVEMBER = parse_instant("2026-11-21T12:00:00Z")


async def partitions_of(url: str, table: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["relname"] for row in await connection.fetch(NAMES, table)]
    finally:
        await connection.close()


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    METERS.partition_faults = 0


def test_month_ends_where_the_next_one_begins() -> None:
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2026, 11).first_id == UUID("01a19467-e800-0000-0000-000000000000")
    assert Month(2026, 11).next.first_id == UUID("01a22ee6-b000-0000-0000-000000000000")


def test_months_are_those_of_utc() -> None:
    new_year_in_kiritimati = datetime.fromisoformat("2027-01-01T00:30:00+14:00")
    assert list(months_from(new_year_in_kiritimati, 2)) == [Month(2026, 12), Month(2027, 1)]


def test_ids_of_a_month_lie_within_its_bounds() -> None:
    now = datetime.now(UTC)
    month = Month(now.year, now.month)
    assert month.first_id <= uuid7() < month.next.first_id


async def test_partitions_are_made_once_for_this_month_and_the_next_three(fresh_url: str) -> None:
    now = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
    made = await make_partitions(fresh_url, now)
    assert made[:6] == [f"{table}_2026_11" for table in sorted(PARTITIONED)]
    assert len(made) == 24
    assert await make_partitions(fresh_url, now) == []
    assert len(await make_partitions(fresh_url, datetime.fromisoformat("2026-12-01T00:00:00+00:00"))) == 6


async def test_fresh_row_goes_to_the_partition_of_its_month(fresh_url: str) -> None:
    now = datetime.now(UTC)
    await make_partitions(fresh_url, now)
    connection = await asyncpg.connect(fresh_url)
    try:
        assert await connection.fetchval(ADD_REFUSAL, uuid7()) == f"loyalty.refusal_{now:%Y_%m}"
    finally:
        await connection.close()


async def test_month_ends_and_the_next_ones_are_there_without_a_restart(fresh_url: str) -> None:
    for day in ("2026-11-30T23:00:00Z", "2026-12-01T23:00:00Z", "2027-01-01T00:00:00Z"):
        await make_partitions(fresh_url, parse_instant(day))

    expected = [f"posting_{month}" for month in ("2026_11", "2026_12", "2027_01", "2027_02", "2027_03", "2027_04")]
    assert await partitions_of(fresh_url, "posting") == [*expected, "posting_default"]


async def test_many_processes_at_once_make_each_partition_once(fresh_url: str) -> None:
    made = await asyncio.gather(*(make_partitions(fresh_url, NOVEMBER) for _ in range(2)))

    names = [name for each in made for name in each]
    assert (len(names), len(set(names))) == (24, 24)
    assert METERS.partition_faults == 0


async def test_partition_made_later_is_like_the_default_one(fresh_url: str) -> None:
    await make_partitions(fresh_url, NOVEMBER)
    connection = await asyncpg.connect(fresh_url)
    try:
        for table in PARTITIONED:
            shapes = [await connection.fetchval(SHAPE, f"{table}_{end}", end) for end in ("2026_11", "default")]
            assert shapes[0] == shapes[1]
            assert "PRIMARY KEY" in shapes[0]
    finally:
        await connection.close()


async def test_month_with_rows_in_default_is_left_and_the_others_are_made(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    try:
        await connection.execute(ADD_REFUSAL, uuid7())

        made = await make_partitions(fresh_url, datetime.now(UTC))

        assert len(made) == 23
        assert f"refusal_{datetime.now(UTC):%Y_%m}" not in made
        assert METERS.partition_faults == 1
        assert await connection.fetchval(ADD_REFUSAL, uuid7()) == "loyalty.refusal_default"
    finally:
        await connection.close()


async def test_this_month_is_not_made_beside_one_who_writes_of_it(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    try:
        async with connection.transaction():
            await connection.execute(ADD_REFUSAL, uuid7())
            made = await make_partitions(fresh_url, datetime.now(UTC))
        assert (len(made), [name for name in made if name.startswith("refusal")]) == (20, [])
        assert await connection.fetchval(ADD_REFUSAL, uuid7()) == "loyalty.refusal_default"
    finally:
        await connection.close()


async def test_month_about_to_begin_is_not_made_beside_one_who_writes(fresh_url: str) -> None:
    """The clock of another may show the new month already."""
    connection = await asyncpg.connect(fresh_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE ONLY loyalty.refusal IN ROW EXCLUSIVE MODE")
            made = await make_partitions(fresh_url, parse_instant("2026-11-30T23:00:00Z"))
        assert [name for name in made if name.startswith("refusal")] == ["refusal_2027_01", "refusal_2027_02"]
    finally:
        await connection.close()


async def test_who_writes_gets_in_while_this_month_is_made(fresh_url: str) -> None:
    """PostgreSQL refuses rows that are on their way to DEFAULT when their partition comes."""
    connections = [await asyncpg.connect(fresh_url) for _ in range(4)]
    partition = f"loyalty.refusal_{datetime.now(UTC):%Y_%m}"
    places: set[str] = set()
    is_over = asyncio.Event()

    async def write(connection: Connection) -> None:
        while not is_over.is_set():
            async with connection.transaction():
                places.add(await connection.fetchval(ADD_REFUSAL, uuid7()))
                await connection.execute("DELETE FROM loyalty.refusal")  # so that the month may be made

    try:
        async with asyncio.TaskGroup() as group:
            for connection in connections[1:]:
                group.create_task(write(connection))
            for _ in range(20):
                await make_partitions(fresh_url, datetime.now(UTC))
                await asyncio.sleep(0.02)
                await connections[0].execute(f"DROP TABLE IF EXISTS {partition}")
            is_over.set()
    finally:
        for connection in connections:
            await connection.close()
    assert places == {partition, "loyalty.refusal_default"}


async def test_making_waits_for_no_writer(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    try:
        await make_partitions(fresh_url, NOVEMBER)
        async with connection.transaction():
            await connection.execute(ADD_REFUSAL, uuid7())
            assert len(await make_partitions(fresh_url, parse_instant("2026-12-21T12:00:00Z"))) == 6
    finally:
        await connection.close()


async def test_login_without_the_owners_rights_makes_none_and_harms_nothing(fresh_url: str) -> None:
    login = f"loyalty_guest_{os.getpid()}"
    connection = await asyncpg.connect(fresh_url)
    try:
        await connection.execute(f"CREATE ROLE {login} LOGIN")
        guest = fresh_url.replace("postgres@", f"{login}@")
        assert await make_partitions(guest, datetime.now(UTC)) == []
        assert await partitions_of(fresh_url, "posting") == ["posting_default"]
    finally:
        await connection.execute(f"DROP ROLE {login}")
        await connection.close()
