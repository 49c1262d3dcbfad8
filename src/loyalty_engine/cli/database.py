"""The database of a command: the one that LOYALTY_DATABASE_URL names, else a PostgreSQL of our own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import structlog

from loyalty_engine.cli.failures import FailureError, one_line
from loyalty_engine.persistence.connections import OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.embedded import EmbeddedServer, default_directory
from loyalty_engine.persistence.embedded.running import find_running
from loyalty_engine.persistence.migrating import Database, migrate, require_current
from loyalty_engine.persistence.partitions import make_partitions
from loyalty_engine.persistence.programs import find_program
from loyalty_engine.persistence.strays import move_strays
from loyalty_engine.settings import Settings

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that can be used. ``is_own`` says that it is the embedded one, which only we ever migrate."""

    url: str
    is_own: bool


def state_directory(settings: Settings) -> Path:
    """Return where this installation keeps what it must remember."""
    return settings.state_dir or default_directory()


@contextmanager
def open_database(settings: Settings, *, may_share: bool) -> Iterator[Opened]:
    """Open the database of a command and close it behind it.

    ``may_share``: when a server of ours runs in the state directory already (``loyalty serve`` in another terminal),
    use that one; otherwise the directory is refused.
    """
    if settings.database_url is not None:
        yield Opened(settings.database_url, is_own=False)
        return
    directory = state_directory(settings)
    running = find_running(directory) if may_share else None
    if running is not None:
        yield Opened(running, is_own=True)
        return
    with EmbeddedServer(directory) as server:
        yield Opened(server.url, is_own=True)


def prepare(database: Opened, *, migrates: bool) -> list[str]:
    """Make sure that the schema is ours, and that this month and the next ones have their partitions.

    ``migrates`` brings it up to date first, and moves the rows in the DEFAULT partitions to their months; otherwise a
    database that is not up to date is refused. Return the partitions whose rows stay in DEFAULT, because others are
    connected.
    """
    if migrates:
        report_migration(*migrate(database.url))
    else:
        asyncio.run(require_current(database.url))
    made, left = asyncio.run(_make_room(database.url, moves=migrates))
    if made:
        _log.info("partitions_made", count=len(made), last=made[-1])
    return left


async def _make_room(url: str, *, moves: bool) -> tuple[list[str], list[str]]:
    now = datetime.now(UTC)
    moved, left = await move_strays(url, now) if moves else ([], [])
    return [*moved, *await make_partitions(url, now)], left


def report_migration(before: Database, after: Database) -> None:
    """Log that the schema moved, if it did."""
    if before != after:
        _log.info("schema_migrated", before=before.revision or None, after=after.revision)


@asynccontextmanager
async def own_connection(url: str) -> AsyncIterator[Connection]:
    """Open a connection with the owner's rights, for what only operators may do."""
    try:
        connection = await connect(url, role=OWNER_ROLE)
    except asyncpg.PostgresError as error:
        raise FailureError(f"the database does not let us act as {OWNER_ROLE}: {error}") from error
    try:
        yield connection
    except asyncpg.PostgresError as error:
        raise FailureError(f"the database refused: {type(error).__name__}") from error
    finally:
        connection.terminate()


@asynccontextmanager
async def operators_connection(settings: Settings) -> AsyncIterator[Connection]:
    """Open the database of a short command, which must be migrated, with the owner's rights."""
    with one_line(), open_database(settings, may_share=True) as database:
        await require_current(database.url)
        async with own_connection(database.url) as connection:
            yield connection


async def require_program(connection: Connection, key: str) -> int:
    """Return the id of the program of that key; without it the command ends."""
    found = await find_program(connection, key)
    if found is None:
        raise FailureError(f"there is no program {key}")
    return found
