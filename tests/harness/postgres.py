"""One database for a test run: an embedded server of its own, or a fresh database on the server that is named."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config

from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.partitions import make_partitions

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[2]


@contextmanager
def open_database(named_url: str | None) -> Iterator[str]:
    """Give the URL of a database as `loyalty migrate` leaves it, which nobody else uses; it is gone afterwards."""
    with _embedded() if named_url is None else _own_database(named_url) as url:
        migrate(url)
        run_apart(make_partitions(url, datetime.now(UTC)))
        yield url


def migrate(url: str) -> None:
    """Bring a database to the newest schema, without partitions for any month."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = url
    in_thread(lambda: command.upgrade(config, "head"))


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from synchronous code, away from the event loop that pytest has set."""
    return in_thread(lambda: asyncio.run(coroutine))


def in_thread(work: Callable[[], T]) -> T:
    """Do work that runs an event loop of its own in a thread, and hand on what it returns or raises."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(work).result()


def other_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def _embedded() -> Iterator[str]:
    # pytest's own directories are closed to the account that PostgreSQL runs as when we are root
    directory = Path(tempfile.mkdtemp(prefix="loyalty-tests-"))
    directory.chmod(0o755)
    try:
        with EmbeddedServer(directory / "state", is_durable=False) as server:
            yield server.url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _own_database(server_url: str) -> Iterator[str]:
    name = f"loyalty_test_{os.getpid()}_{uuid4().hex[:8]}"
    run_apart(_execute(server_url, f"CREATE DATABASE {name}"))
    try:
        yield other_database(server_url, name)
    finally:
        run_apart(_execute(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
