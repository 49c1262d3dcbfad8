"""Fills a database with a :class:`~benchmarks.past.Past` by COPY, and leaves it as years of work would have left it.

Fast, because nothing of it need survive a crash: indexes are dropped first and made again at the end, and tables that
are emptied and filled in one transaction leave no WAL. Done is done only when indexes and constraints are exactly those
that the migrations made.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.past import BY_MEMBER, BY_MONTH, BY_ORDER, COLUMNS, Past, chunks
from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.migrating import migrate
from loyalty_engine.persistence.partitions import make_partitions

_WORKERS: Final = 2
_BUILDING: Final = {
    "autovacuum": "off",
    "checkpoint_timeout": "60min",
    "fsync": "off",
    "full_page_writes": "off",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "0",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "wal_level": "minimal",
}

_READ_KEYS: Final = """
SELECT c.conrelid::regclass::text AS table_name, c.conname AS name, pg_get_constraintdef(c.oid) AS definition
  FROM pg_constraint c WHERE c.contype = 'p' AND c.conrelid = ANY ($1::regclass[])
"""
_READ_INDEXES: Final = """
SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table_name,
       replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS definition
  FROM pg_index i
 WHERE i.indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_READ_SHAPE: Final = """
SELECT pg_get_indexdef(i.indexrelid) AS definition, i.indisvalid AS is_good
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'loyalty'::regnamespace
 UNION ALL
SELECT format('%s %s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)), c.convalidated
  FROM pg_constraint c WHERE c.connamespace = 'loyalty'::regnamespace
 ORDER BY 1
"""
_READ_SIZES: Final = """
SELECT t.root::text AS name, sum(pg_table_size(t.relid))::bigint AS heap, sum(pg_indexes_size(t.relid))::bigint AS indexes
  FROM (SELECT c.oid AS relid, coalesce(pg_partition_root(c.oid), c.oid)::regclass AS root FROM pg_class c
         WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind = 'r') t
 GROUP BY 1 HAVING sum(pg_table_size(t.relid)) > 1000000 ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One table, or one partition, to fill with the lines of some numbers."""

    table: str
    target: str
    numbers: range


def build_history(past: Past, state: Path) -> None:
    """Make a database in ``state`` that holds the past; print how long it took and what it weighs."""
    began = time.perf_counter()
    with EmbeddedServer(state, settings=_BUILDING) as server:
        migrate(server.url)
        asyncio.run(_make_months(server.url, past))
        shape = asyncio.run(_fetch(server.url, _READ_SHAPE))
        with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as workers:
            remake = asyncio.run(_drop_indexes(server.url))
            list(workers.map(partial(_fill, server.url, past), _copies(past)))
            filled = time.perf_counter()
            list(workers.map(partial(_execute_each, server.url), remake))
        assert asyncio.run(_fetch(server.url, _READ_SHAPE)) == shape, "the schema is not what the migrations made"
        asyncio.run(_execute(server.url, ["VACUUM ANALYZE", "CHECKPOINT"]))
        sizes = asyncio.run(_fetch(server.url, _READ_SIZES))
    ended = time.perf_counter()
    sys.stdout.write(
        f"built {past.members} members and {past.orders} orders in {ended - began:.0f} s (rows {filled - began:.0f} s)\n"
    )
    for row in sizes:
        sys.stdout.write(f"  {row['name']}: {row['heap'] / 1e6:.0f} MB, indexes {row['indexes'] / 1e6:.0f} MB\n")
    sys.stdout.write(f"  together {sum(row['heap'] + row['indexes'] for row in sizes) / 1e9:.2f} GB\n")
    sys.stdout.flush()


async def _make_months(url: str, past: Past) -> None:
    for month in past.months:
        await make_partitions(url, datetime(month.year, month.number, 1, tzinfo=UTC))


def _copies(past: Past) -> list[_Copy]:
    """Return what is to be filled, the largest first, so that the workers end together."""
    whole = [_Copy(table, table, range(past.orders)) for table in BY_ORDER]
    months = [(month.suffix, past.numbers_of(month)) for month in past.months]
    parts = [_Copy(table, f"{table}_{suffix}", numbers) for table in BY_MONTH for suffix, numbers in months]
    members = [_Copy(table, table, range(past.members)) for table in BY_MEMBER]
    return [*whole, *parts, *members]


def _fill(url: str, past: Past, copy: _Copy) -> None:
    """Fill one table in one transaction, which begins by emptying it: so its rows need no WAL."""

    async def source() -> AsyncIterator[bytes]:
        for piece in chunks(getattr(past, copy.table), copy.numbers):
            yield piece

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                await connection.execute(f'TRUNCATE loyalty."{copy.target}"')
                await connection.copy_to_table(
                    copy.target,
                    schema_name="loyalty",
                    source=source(),
                    columns=COLUMNS[copy.table].split(),
                    format="text",
                    freeze=True,
                    timeout=3600,
                )
        finally:
            await connection.close()

    asyncio.run(fill())


async def _drop_indexes(url: str) -> list[list[str]]:
    """Drop the keys and indexes of the tables to fill; return, table by table, the statements that make them again."""
    connection = await asyncpg.connect(url)
    tables = [f'loyalty."{table}"' for table in COLUMNS]
    remake: dict[str, list[str]] = {}
    try:
        for key in await connection.fetch(_READ_KEYS, tables):
            await connection.execute(f"ALTER TABLE {key['table_name']} DROP CONSTRAINT {key['name']}")
            statement = f"ALTER TABLE {key['table_name']} ADD CONSTRAINT {key['name']} {key['definition']}"
            remake.setdefault(key["table_name"], []).append(statement)
        for index in await connection.fetch(_READ_INDEXES, tables):
            await connection.execute(f"DROP INDEX {index['name']}")
            remake.setdefault(index["table_name"], []).append(index["definition"])
    finally:
        await connection.close()
    return list(remake.values())


def _execute_each(url: str, statements: Sequence[str]) -> None:
    asyncio.run(_execute(url, statements))


async def _execute(url: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement, timeout=3600)
    finally:
        await connection.close()


async def _fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, timeout=300))
    finally:
        await connection.close()
