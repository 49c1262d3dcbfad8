"""What a database must be for us to work with it. The whole way is walked in tests/acceptance/test_cli.py."""

import pytest

from loyalty_engine.persistence.errors import SchemaError, UnavailableError
from loyalty_engine.persistence.migrating import (
    Database,
    describe,
    expected_revision,
    inspect_database,
    require_schema,
    require_server,
)


def test_server_older_than_15_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^PostgreSQL 15 or newer is needed; the database runs on 14$"):
        require_server(Database(14, ""))
    require_server(Database(15, ""))


def test_schema_of_an_older_and_of_a_newer_release_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"^the database is at revision 0000, .* run `loyalty migrate` first$"):
        require_schema(Database(18, "0000"))
    with pytest.raises(SchemaError, match=r"^the database is at revision 9999, newer than "):
        require_schema(Database(18, "9999"))
    require_schema(Database(18, expected_revision()))


async def test_migrated_database_is_at_the_expected_revision(database_url: str) -> None:
    found = await inspect_database(database_url)
    assert found.server_major >= 15
    assert found.is_current


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:secret@db.example:5433/shop?sslmode=require", "the database shop at db.example:5433"),
        ("postgresql://postgres@/loyalty?host=/var/run&port=5432", "the database loyalty at /var/run"),
        ("postgresql://me:secret@db:port/shop", "the database"),
    ],
)
def test_database_is_described_without_its_secrets(url: str, place: str) -> None:
    assert describe(url) == place


@pytest.mark.parametrize(
    "url",
    ["postgresql://127.0.0.1:1/shop", "mysql://me:secret@db/shop", "secret", "postgresql://me:secret@db:port/shop"],
)
async def test_what_is_no_reachable_database_is_told_in_one_line(url: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        await inspect_database(url)
    assert "\n" not in str(caught.value)
    assert ":secret" not in str(caught.value)
