"""Who may do what: the application's role reads its program's rows and writes loyalty state through record only."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.tables import metadata
from tests.harness.api import Api
from tests.harness.ledger import TABLES
from tests.harness.programs import MakeProgram, Program

WORK = {"job", "job_file", "job_fault", "posting_day", "order_review", "code_pool", "promo_code"}
"""What the application writes itself: none of it is the ledger."""

UNTOUCHED = {
    "member_note",
    "reversal",
    "refusal",
    "order_parked",
    "order_claim",
    "order_change",
    "return_waiting",
    "hold",
    "counter",
    "counter_use",
    "activity_mark",
    "reservation",
    "reservation_end",
    "counter_lease",
    "member_tier",
    "tier_move",
    "member_plan",
    "plan_move",
    "referral",
    "member_fingerprint",
    *WORK,
}
"""What the acts of the test below leave empty."""

EVERY = [*TABLES, "program", "program_part", "program_revision", "api_client", "api_key", *sorted(WORK)]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


def test_the_tables_named_here_are_all_there_are() -> None:
    assert {table.name for table in metadata.tables.values()} == set(EVERY)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET program_id = program_id",
        "DELETE FROM {table}",
        "INSERT INTO {table} SELECT * FROM {table}",
        "TRUNCATE {table}",
        "DROP TABLE {table}",
        "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ],
)
async def test_the_application_cannot_change_a_ledger_row(connection: Connection, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement.format(table=f'loyalty."{table}"'))


async def test_the_application_cannot_reach_a_partition(connection: Connection, database_url: str) -> None:
    reader = await asyncpg.connect(database_url)
    partitions = await reader.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE c.relnamespace = 'loyalty'::regnamespace AND c.relkind = 'r'"
    )
    await reader.close()
    assert len(partitions) >= 6

    for partition in partitions:
        for statement in ("SELECT FROM {}", "DELETE FROM {}", "UPDATE {} SET program_id = 1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(partition["name"]))


async def test_the_application_cannot_become_the_owner(connection: Connection) -> None:
    """The login may be mightier; what the role itself may do is what counts."""
    is_member = await connection.fetchval("SELECT pg_has_role('loyalty_app', 'loyalty_owner', 'member')")
    assert is_member is False


@pytest.mark.parametrize("table", EVERY)
async def test_rows_of_other_programs_are_hidden(
    client: Api, program: Program, new_program: MakeProgram, connection: Connection, table: str
) -> None:
    stranger = client.acting_as((await new_program()).admin)
    for api in (client, stranger):
        member = await api.new_member(100)
        await api.redeem(member, 10)
        await api.post_order(member, 1000)
        assert (await api.record_activity(member)).status_code == 201
    key = "id" if table == "program" else "program_id"
    seen = f'SELECT DISTINCT {key} FROM loyalty."{table}"'

    assert await connection.fetch(seen) == []
    async with connection.transaction():
        await connection.fetchval("SELECT loyalty.enter_v1($1, 0)", program.id)
        entered = [row[0] for row in await connection.fetch(seen)]
    assert set(entered) <= {program.id}
    assert entered or table in UNTOUCHED
    assert await connection.fetch(seen) == []
