"""Real servers in throw-away state directories.

The directories lie directly in /tmp, because pytest's own are closed to the account that PostgreSQL runs as for root.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest

import loyalty_engine
from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError
from loyalty_engine.persistence.embedded.lock import acquire_lock, is_alive

PARENT: Final = """
import json, sys, time
from pathlib import Path
from loyalty_engine.persistence.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), is_durable=False)
print(json.dumps({"url": server.start(), "postmaster": server.pid}), flush=True)
time.sleep(600)
"""

# Ourselves and the libraries, but not this Python's standard library: a script may be run by another Python.
REACH: Final = f"{Path(loyalty_engine.__file__).parents[1]}:{Path(asyncpg.__file__).parents[1]}"

Ask = Callable[[str, str], object]
Spawn = Callable[..., subprocess.Popen[str]]


@dataclass(frozen=True)
class Parent:
    """Another process that holds a server."""

    process: subprocess.Popen[str]
    url: str
    postmaster: int

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def wait_until(condition: Callable[[], bool], *, seconds: float = 8) -> float:
    """Waits for the condition and returns how long it took; fails when it does not come true in time."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - start


def spawn(
    script: str, state: Path, *, python: str = sys.executable, user: str | int | None = None
) -> subprocess.Popen[str]:
    """Starts a Python script with a state directory as its argument and our own modules within reach."""
    return subprocess.Popen(
        [python, "-c", script, state],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        user=user,
        group=user if isinstance(user, int) else None,
        extra_groups=None if user is None else [],
        env={**os.environ, "PYTHONPATH": REACH},
    )


@pytest.fixture
def until() -> Callable[..., float]:
    return wait_until


@pytest.fixture
def gone() -> Callable[[int], bool]:
    return lambda pid: not is_alive(pid)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory that everybody may enter."""
    path = Path(tempfile.mkdtemp(prefix="embedded-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """A state directory with a database, shared by the tests that leave both whole."""
    path = Path(tempfile.mkdtemp(prefix="embedded-", dir="/tmp"))
    path.chmod(0o755)
    with EmbeddedServer(path / "state", is_durable=False):
        pass
    yield path / "state"
    shutil.rmtree(path)


@pytest.fixture
def spare_state(place: Path, state: Path) -> Path:
    """A copy of it to break."""
    subprocess.run(["cp", "-a", state, place / "spare"], check=True)
    return place / "spare"


@pytest.fixture
def link_state(state: Path) -> Callable[[Path], Path]:
    """Makes another state directory that serves the shared data, as one does to keep the data on another disk."""

    def link(directory: Path) -> Path:
        directory.mkdir(parents=True)
        directory.chmod(0o755)
        (directory / "data").symlink_to(state / "data")
        return directory

    return link


@pytest.fixture
def server(state: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(state, is_durable=False, restarts_per_minute=1000) as running:
        yield running


@pytest.fixture
def ask() -> Ask:
    """Asks for one value over a connection of its own; waits for a server that is just coming back."""

    async def answer(url: str, sql: str) -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def ask_patiently(url: str, sql: str) -> object:
        loop = asyncio.new_event_loop()  # asyncio.run would take away the loop that pytest set
        deadline = time.monotonic() + 8
        try:
            while True:
                try:
                    return loop.run_until_complete(answer(url, sql))
                except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                    assert time.monotonic() < deadline, "the server did not come back"
                    time.sleep(0.02)
        finally:
            loop.run_until_complete(asyncio.sleep(0))  # lets refused connections close
            loop.close()

    return ask_patiently


@pytest.fixture
def become_parent() -> Iterator[Callable[..., Parent]]:
    """Starts a process that starts a server and then waits to be killed."""
    processes: list[subprocess.Popen[str]] = []
    directories: list[Path] = []

    def become(directory: Path) -> Parent:
        process = spawn(PARENT, directory)
        processes.append(process)
        directories.append(directory)
        assert process.stdout is not None
        with process.stdout as answer:
            told = json.loads(answer.readline())
        return Parent(process, told["url"], told["postmaster"])

    yield become
    for process in processes:
        process.kill()
        process.wait()
    for directory in directories:
        os.close(acquire_lock(directory / "lock"))  # waits for the server's end


@pytest.fixture
def run_python() -> Spawn:
    return spawn


@pytest.fixture
def run_python_as() -> Callable[[str | int, str, Path], str]:
    """Runs a script as another user, with a Python that everybody may run, and returns what it printed."""

    def run(user: str | int, script: str, state: Path) -> str:
        for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
            with contextlib.suppress(OSError):
                attempt = spawn("import loyalty_engine.persistence.embedded", state, python=python, user=user)
                attempt.communicate()
                if attempt.returncode == 0:
                    process = spawn(script, state, python=python, user=user)
                    answer, _ = process.communicate()
                    assert process.returncode == 0
                    return answer
        pytest.skip("no Python of this machine can be run by everybody")

    return run


@pytest.fixture
def complaint() -> Callable[[EmbeddedServer], str]:
    """The one line with which a server refuses to start; nothing of it is left running."""

    def refuse(server: EmbeddedServer) -> str:
        with pytest.raises(EmbeddedServerError) as caught:
            server.start()
        line = str(caught.value)
        assert "\n" not in line
        assert server._process is None  # noqa: SLF001 - nothing else tells
        return line

    return refuse
