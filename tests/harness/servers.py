"""Real API processes on loopback ports of their own: killed and restarted by their pid, gone with this process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import httpx

import loyalty_engine

_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_SOURCE: Final = str(Path(loyalty_engine.__file__).parents[1])
_ROOT: Final = str(Path(__file__).parents[2])


@dataclass(slots=True)
class ServerProcess:
    """One API process. It keeps its port over restarts."""

    database_url: str
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    module: str = "loyalty_engine.cli.process"
    _log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _process: subprocess.Popen[bytes] | None = None
    _last_words: str = ""

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it wrote to its standard error so far."""
        if self._log.closed:
            return self._last_words
        return os.pread(self._log.fileno(), 10_000_000, 0).decode(errors="replace")

    def start(self) -> None:
        """Start it without waiting. It is what ``loyalty serve`` starts, and ends with the pipe from its parent, us."""
        assert self._process is None
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self.module, str(listener.fileno()), "1", ""],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=(listener.fileno(),),
                env={**ours, "PYTHONPATH": self._path, "LOYALTY_DATABASE_URL": self.database_url, **self.environment},
            )

    @property
    def _path(self) -> str:
        """Where it finds its code; that of tests too, if it runs some."""
        return os.pathsep.join((_SOURCE, _ROOT)) if self.module.startswith("tests.") else _SOURCE

    def wait_until_ready(self) -> None:
        """Wait until it answers; fail with its log when it ends or takes too long."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code in {200, 404}:
                    return
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would: nothing is finished, nothing is said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """End it for good."""
        self.stop()
        self._last_words = self.log
        self._log.close()

    def restart(self) -> None:
        """Kill it, if it runs, and wait until its successor answers."""
        self.kill()
        self.start()
        self.wait_until_ready()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()


@dataclass(frozen=True, slots=True)
class Servers:
    """Several API processes on one database."""

    processes: tuple[ServerProcess, ...]

    @property
    def urls(self) -> tuple[str, ...]:
        """Their base URLs."""
        return tuple(process.url for process in self.processes)

    def __getitem__(self, position: int) -> ServerProcess:
        return self.processes[position]


@contextmanager
def serve(
    database_url: str, *, count: int = 2, module: str = "loyalty_engine.cli.process", **environment: str
) -> Iterator[Servers]:
    """Run ``count`` API processes on ``database_url``; ``environment`` adds settings such as ``LOYALTY_BATCH_LIMIT``.

    ``module`` is what runs them: ours, or one of the tests' that starts ours in another way.
    """
    processes = tuple(ServerProcess(database_url, port, dict(environment), module) for port in find_ports(count))
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.wait_until_ready()
        yield Servers(processes)
    finally:
        for process in processes:
            process.close()


def find_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]
