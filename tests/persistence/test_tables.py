"""The migrated database and ``persistence/tables`` are the same schema."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Column, Connection, Integer, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from loyalty_engine.persistence.tables import SCHEMA, metadata

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")  # SQLAlchemy has no such type

_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits"


@pytest.fixture
def engine(database_url: str) -> AsyncEngine:
    return create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)


def differences(connection: Connection, expected: MetaData) -> list[Any]:
    """Return what a new migration would have to do, were the database to become as described."""
    partitions = {name.partition(".")[2] for (name,) in connection.execute(text(_PARTITIONS))}

    def is_ours(thing: Any, name: str | None, kind: str, is_reflected: bool, other: Any) -> bool:  # noqa: ANN401 - alembic's own
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return table not in {*partitions, "alembic_version"}

    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "include_object": is_ours,
        "compare_type": True,
        "compare_server_default": True,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), expected))


async def test_migrations_and_tables_say_the_same(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(differences, metadata) == []


async def test_a_difference_would_be_seen(engine: AsyncEngine) -> None:
    other = MetaData(schema=SCHEMA)
    for table in metadata.tables.values():
        table.to_metadata(other)
    other.tables[f"{SCHEMA}.lot"].append_column(Column("colour", Integer))
    Table("extra", other, Column("id", Integer))

    async with engine.connect() as connection:
        found = await connection.run_sync(differences, other)

    assert [difference[0] for difference in found] == ["add_table", "add_column"]


def checks() -> Iterator[tuple[str, str]]:
    for table in metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint):
                assert constraint.name is not None
                yield table.name, str(constraint.name)


async def test_every_check_is_in_both(engine: AsyncEngine) -> None:
    """Alembic does not compare them."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
                "WHERE k.contype = 'c' AND c.relnamespace = 'loyalty'::regnamespace AND NOT c.relispartition"
            )
        )
        assert {tuple(row) for row in rows} == set(checks())


async def test_every_table_of_a_program_hides_other_programs(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'loyalty'::regnamespace "
                "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version' "
                "AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))"
            )
        )
        assert list(rows) == []
