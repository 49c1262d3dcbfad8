"""``loyalty`` as a newcomer runs it: real processes of the command line, in a state directory of their own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

import loyalty_engine
from loyalty_engine.persistence.embedded.lock import is_alive
from tests.harness.servers import find_ports

_SECONDS: Final = 60.0
_SOURCE: Final = str(Path(loyalty_engine.__file__).parents[1])
_COMMAND: Final = (sys.executable, "-m", "loyalty_engine.cli")


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a command: of our own settings only those named here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_") and name != "PORT"}
    return {**kept, "PYTHONPATH": _SOURCE, **settings}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*_COMMAND, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for the condition; fail when it does not come true in time."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


@dataclass
class Service:
    """``loyalty serve --example`` on a state directory that outlives it."""

    state: Path
    port: int = field(default_factory=lambda: find_ports(1)[0])
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started, parent of all others."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def api_pids(self) -> list[int]:
        """The API processes."""
        commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in children_of(self.pid)}
        return sorted(pid for pid, command in commands.items() if b"cli.process" in command.read_bytes())

    @property
    def worker_pids(self) -> list[int]:
        """The worker, alone in a list; none while it is being replaced."""
        commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in children_of(self.pid)}
        return [pid for pid, command in commands.items() if b"cli.worker_process" in command.read_bytes()]

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Do something as the admin, which must succeed."""
        headers = {"authorization": f"Bearer {self.keys[0]}"}
        answer = httpx.request(
            method, f"{self.url}/v1{path}", json=body, headers=headers, trust_env=False, timeout=_SECONDS
        )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def start(self) -> None:
        """Start it and wait for its first screen; nothing happens when it runs."""
        if self.is_running:
            return
        with (self.state.parent / "log").open("a") as log, self._screen.open("w") as screen:
            self._process = subprocess.Popen(
                [*_COMMAND, "serve", "--example", "--processes", "2"],
                env=environment(LOYALTY_STATE_DIR=str(self.state), PORT=str(self.port)),
                stdout=screen,
                stderr=log,
            )
        wait_until(lambda: "Ctrl-C" in self.screen or not self.is_running)
        assert self.is_running, self.log

    @property
    def screen(self) -> str:
        """What the last start printed."""
        return self._screen.read_text(encoding="utf-8")

    @property
    def _screen(self) -> Path:
        return self.state.parent / "screen"

    @property
    def log(self) -> str:
        """What it and its API processes logged."""
        return (self.state.parent / "log").read_text(encoding="utf-8")

    @property
    def keys(self) -> list[str]:
        """The admin key and the till key, as the screen shows them."""
        return re.findall(r"^  \w+ key +(\w+)$", self.screen, re.MULTILINE)

    @property
    def commands(self) -> list[str]:
        """The shell commands that the screen offers for pasting."""
        return re.findall(r"^curl .*?'$(?=\n\n)", self.screen, re.MULTILINE | re.DOTALL)

    def end(self, how: signal.Signals) -> int:
        """Send it a signal and return its exit status."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(_SECONDS)

    def everybody(self) -> list[int]:
        """Return all processes it consists of, the database's too."""
        found = [self.pid]
        for pid in found:
            found += children_of(pid)
        return found

    def get(self, path: str) -> httpx.Response:
        """Ask for an address outside ``/v1``, over a fresh connection."""
        return self._request("GET", path)

    def delete(self, path: str) -> httpx.Response:
        """Try to delete an address outside ``/v1``, over a fresh connection."""
        return self._request("DELETE", path)

    def _request(self, method: str, path: str) -> httpx.Response:
        return httpx.request(method, self.url + path, trust_env=False, timeout=_SECONDS)


@contextmanager
def open_service() -> Iterator[Service]:
    """Give a service that was not started yet, and leave nothing of it behind."""
    # pytest's own directories are closed to the account that PostgreSQL runs as when we are root
    place = Path(tempfile.mkdtemp(prefix="loyalty-service-"))
    place.chmod(0o755)
    service = Service(place / "state")
    try:
        yield service
    finally:
        if service.is_running:
            everybody = service.everybody()
            service.end(signal.SIGKILL)
            wait_until(lambda: not any(is_alive(pid) for pid in everybody))
        shutil.rmtree(place)
