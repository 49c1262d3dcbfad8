"""Migrating: bring a database to the schema that this release works with, and tell when it is another one."""

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from loyalty_engine.assets import asset_path
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.errors import SchemaError, UnavailableError

OLDEST_MAJOR: Final = 15
_OWN_RIGHTS: Final = "none"
"""The role of a connection that acts as the account that it logged in with."""

_READ_REVISION: Final = "SELECT max(version_num) FROM loyalty.alembic_version"
_HAS_REVISION: Final = "SELECT to_regclass('loyalty.alembic_version') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Database:
    """What a database is: its server's major version and its schema's revision, "" when it has none."""

    server_major: int
    revision: str

    @property
    def is_current(self) -> bool:
        """Whether the schema is the one that this release was made for."""
        return self.revision == expected_revision()


@cache
def expected_revision() -> str:
    """Return the newest revision this release knows; revisions are numbers of four digits, so they sort as text."""
    names = (path.name for path in asset_path("migrations/versions").glob("*.py"))
    return max(name.split("_")[3] for name in names)


async def read_revision(connection: Connection) -> str:
    """Return the schema's revision, "" when there is none."""
    return await connection.fetchval(_READ_REVISION) or ""


def describe(url: str) -> str:
    """Return where a database is, without account and password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the database"
    return f"the database {parts.path.removeprefix('/')} at {host}{port}"


async def inspect_database(url: str) -> Database:
    """Return what the database is.

    Raises :class:`UnavailableError` or :class:`SchemaError`, whose text is one line for the operator.
    """
    connection = await _enter(url)
    try:
        major = connection.get_server_version().major
        revision = await read_revision(connection) if await connection.fetchval(_HAS_REVISION) else ""
    except asyncpg.PostgresError as error:
        raise SchemaError(f"{describe(url)} cannot be read: {_first_line(error)}") from error
    finally:
        connection.terminate()
    return Database(major, revision)


def require_server(database: Database) -> None:
    """Raise :class:`SchemaError` when the server is too old for us."""
    if database.server_major < OLDEST_MAJOR:
        raise SchemaError(f"PostgreSQL {OLDEST_MAJOR} or newer is needed; the database runs on {database.server_major}")


def require_schema(database: Database) -> None:
    """Raise :class:`SchemaError` when the schema is not the one this release works with."""
    _refuse_newer(database)
    if not database.is_current:
        state = f"is at revision {database.revision}" if database.revision else "has no schema of ours"
        raise SchemaError(f"the database {state}, {expected_revision()} is needed; run `loyalty migrate` first")


async def require_current(url: str) -> None:
    """Raise :class:`SchemaError` or :class:`UnavailableError` unless the database is one that this release works with."""
    found = await inspect_database(url)
    require_server(found)
    require_schema(found)


def migrate(url: str) -> tuple[Database, Database]:
    """Bring the database to the newest schema and return what it was before and what it is now.

    Concurrent calls wait for each other. Not to be called inside an event loop. Raises :class:`UnavailableError` or
    :class:`SchemaError`, whose text is one line.
    """
    before = asyncio.run(inspect_database(url))
    require_server(before)
    _refuse_newer(before)
    if before.is_current:
        return before, before
    _upgrade(url)
    return before, asyncio.run(inspect_database(url))


def _refuse_newer(database: Database) -> None:
    if database.revision > expected_revision():
        raise SchemaError(
            f"the database is at revision {database.revision}, newer than {expected_revision()}, "
            "the newest this release knows; use the release that migrated it, or a newer one"
        )


def _upgrade(url: str) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and needed only when there is something to do
    from alembic.config import Config  # noqa: PLC0415 - as above
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - as above

    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(asset_path("migrations")).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except (DBAPIError, asyncpg.PostgresError, OSError) as error:
        raise SchemaError(f"{describe(url)} cannot be migrated: {_first_line(error)}") from error


async def _enter(url: str) -> Connection:
    try:
        return await connect(url, role=_OWN_RIGHTS)
    except UnavailableError as error:
        raise UnavailableError(f"{describe(url)} cannot be reached: {_first_line(error.__cause__ or error)}") from error
    except (asyncpg.PostgresError, ValueError) as error:
        raise UnavailableError(f"{describe(url)} lets nobody in: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    text = str(cause).strip().splitlines()
    return text[0] if text else type(cause).__name__
