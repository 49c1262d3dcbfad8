"""A row goes to the partition of the month in which its id was made; where there is none, to DEFAULT."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.persistence.partitions import Month, make_partitions, months_from
from loyalty_engine.persistence.tables import PARTITIONED
from tests.harness.postgres import migrate, other_database, run_apart

ADD = """
INSERT INTO loyalty.refusal (program_id, id, code, client_id, booked_at, answer)
VALUES (1, $1, 'member_not_found', 1, now(), '{}') RETURNING tableoid::regclass::text
"""
NAMES = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'loyalty.posting'::regclass ORDER BY 1
"""


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
        assert await connection.fetchval(ADD, uuid7()) == f"loyalty.refusal_{now:%Y_%m}"
    finally:
        await connection.close()


async def test_month_with_rows_in_default_is_left_and_the_others_are_made(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    try:
        assert await connection.fetchval(ADD, uuid7()) == "loyalty.refusal_default"
        made = await make_partitions(fresh_url, datetime.now(UTC))
        assert len(made) == 23
        assert f"refusal_{datetime.now(UTC):%Y_%m}" not in made
        assert await connection.fetchval(ADD, uuid7()) == "loyalty.refusal_default"
    finally:
        await connection.close()


async def test_login_without_the_owners_rights_makes_none_and_harms_nothing(fresh_url: str) -> None:
    login = f"loyalty_guest_{os.getpid()}"
    connection = await asyncpg.connect(fresh_url)
    try:
        await connection.execute(f"CREATE ROLE {login} LOGIN")
        guest = fresh_url.replace("postgres@", f"{login}@")
        assert await make_partitions(guest, datetime.now(UTC)) == []
        assert [row["relname"] for row in await connection.fetch(NAMES)] == ["posting_default"]
    finally:
        await connection.execute(f"DROP ROLE {login}")
        await connection.close()
