"""Starting and stopping the embedded server: the one thing that others call."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Final, Self

from loyalty_engine.persistence.embedded import supervisor
from loyalty_engine.persistence.embedded.account import Account, environment, find_account
from loyalty_engine.persistence.embedded.binaries import find_binaries
from loyalty_engine.persistence.embedded.cluster import DATABASE, drop_stale_pid_file, prepare_data, server_command
from loyalty_engine.persistence.embedded.errors import EmbeddedServerError, telling_line
from loyalty_engine.persistence.embedded.lock import acquire_lock, is_alive
from loyalty_engine.persistence.embedded.sockets import make_socket_directory

LONGEST_LOG_BYTES: Final = 10_000_000


class EmbeddedServer:
    """A real PostgreSQL of our own, kept in `directory`; a context manager.

    It serves on a unix socket only, ends with this process (within seconds of a `kill -9`, too), and comes back by
    itself after a crash: at most `restarts_per_minute` times in a minute, without ever giving up. What was committed
    survives all of that. One process at a time may use a directory.

    `settings` are PostgreSQL's own, by name, and win over our defaults. `is_durable=False` is for tests: faster,
    because nothing is forced to disk, so that a crash of the machine (not one of a process) may lose the data.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        restarts_per_minute: int = 5,
        is_durable: bool = True,
    ) -> None:
        assert restarts_per_minute > 0
        self._directory = directory.absolute()
        self._settings = dict(settings) if is_durable else {"fsync": "off", **settings}
        self._restarts_per_minute = restarts_per_minute
        self._is_durable = is_durable
        self._lock: int | None = None
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the database is, for asyncpg as for SQLAlchemy; the same for the whole life of the server.

        It names the port, which is part of the socket's name, because a PGPORT in the environment would win otherwise.
        Raises EmbeddedServerError when it was not started.
        """
        if self._sockets is None:
            raise EmbeddedServerError(f"the embedded PostgreSQL in {self._directory} was not started")
        return f"postgresql://postgres@/{DATABASE}?host={self._sockets}&port=5432"

    @property
    def pid(self) -> int:
        """The process id of PostgreSQL's postmaster; another one after a crash.

        Raises EmbeddedServerError when none is running just now.
        """
        try:
            pid = int((self._data / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        except (OSError, ValueError):
            pid = None
        if self._process is None or pid is None or not is_alive(pid):
            raise EmbeddedServerError(f"the embedded PostgreSQL in {self._directory} is not running just now")
        return pid

    @property
    def _socket_litter(self) -> Path | None:
        """The directory of the socket when it lies outside ours and so has to be removed at the end."""
        return self._sockets if self._sockets is not None and self._sockets.parent != self._directory else None

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def start(self) -> str:
        """Starts the server, on first use with a fresh database, and returns its URL when it accepts connections.

        Does nothing when it runs already. Raises EmbeddedServerError, with nothing left running.
        """
        if self._process is not None and self._process.poll() is None:
            return self.url
        self.stop()
        try:
            self._start()
        except OSError as cause:
            self.stop()
            place, reason = cause.filename or self._directory, cause.strerror or cause
            raise EmbeddedServerError(f"the embedded PostgreSQL cannot use {place}: {reason}") from cause
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Ends the server in an orderly way (open transactions are rolled back) and waits for it, at most 20 s."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()  # the lifeline
            process.wait()
        if self._socket_litter is not None:
            shutil.rmtree(self._socket_litter, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._sockets = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        make_state_directory(self._directory)
        lock = self._lock = acquire_lock(self._directory / "lock")
        account = find_account(self._data)
        account.take(self._directory / "lock")
        account.require_access(self._directory, lock=lock)
        binaries = find_binaries(account, self._directory, lock=lock)
        prepare_data(self._data, binaries, account, lock=lock, is_durable=self._is_durable)
        drop_stale_pid_file(self._data)
        self._sockets = make_socket_directory(self._directory / "run", account)
        command = server_command(
            self._data, self._sockets, self._settings, binaries=binaries, account=account, lock=lock
        )
        self._serve(command, account, lock=lock)

    def _serve(self, command: list[str], account: Account, *, lock: int) -> None:
        path = self._directory / "postgres.log"
        with open_log(path) as log:
            account.take(path)
            start_of_log = log.seek(0, os.SEEK_END)
            self._process = self._spawn(command, account, log=log, lock=lock)
            if not is_ready(self._process):
                log.seek(start_of_log)
                reason = telling_line(log.read().decode(errors="replace")) or "it said nothing"
                raise EmbeddedServerError(f"PostgreSQL did not start: {reason} (more in {path})")

    def _spawn(self, command: list[str], account: Account, *, log: IO[bytes], lock: int) -> subprocess.Popen[bytes]:
        order: supervisor.Order = {
            "parent": os.getpid(),
            "uid": account.uid if account.is_switched else None,
            "gid": account.gid if account.is_switched else None,
            "command": command,
            "pid_file": str(self._data / "postmaster.pid"),
            "restarts_per_minute": self._restarts_per_minute,
            "litter": None if self._socket_litter is None else str(self._socket_litter),
        }
        return subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=environment(),
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C in a terminal is for us; the database goes when we have finished
            umask=0o077,
        )


def default_directory() -> Path:
    """Where the server is kept when nobody says otherwise: below the user's state directory, as XDG defines it.

    For root below /var/lib, because the account that PostgreSQL runs as must be able to get there. Raises
    EmbeddedServerError when the user has no home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/loyalty-engine")
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if state.is_absolute():  # as XDG demands; anything else counts as not set
        return state / "loyalty-engine"
    try:
        return Path.home() / ".local/state/loyalty-engine"
    except RuntimeError as cause:
        raise EmbeddedServerError(f"no place for the embedded PostgreSQL's data: {cause}") from cause


def make_state_directory(directory: Path) -> None:
    """Makes the directory when it is not there: for us alone, or as root passable for the account but not listable.

    One that is there stays as it is. Raises OSError, and EmbeddedServerError when it is something else.
    """
    if directory.exists() and not directory.is_dir():
        raise EmbeddedServerError(f"{directory} is not a directory")
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o711 if os.geteuid() == 0 else 0o700)


def open_log(path: Path) -> IO[bytes]:
    """Opens PostgreSQL's log to append and read, after putting one of more than 10 MB aside as the only old one."""
    if path.exists() and path.stat().st_size > LONGEST_LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "a+b", buffering=0)


def is_ready(process: subprocess.Popen[bytes]) -> bool:
    """Waits for the supervisor's word that PostgreSQL accepts connections; False when it ended without."""
    assert process.stdout is not None
    with process.stdout as status:
        return status.readline() == b"ready\n"
