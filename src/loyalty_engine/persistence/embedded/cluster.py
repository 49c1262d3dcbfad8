"""The data directory: how it comes to be, complete or not at all, and the settings it is served with."""

import os
import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from loyalty_engine.persistence.embedded.account import Account
from loyalty_engine.persistence.embedded.binaries import Binaries
from loyalty_engine.persistence.embedded.errors import EmbeddedServerError, telling_line
from loyalty_engine.persistence.embedded.lock import is_alive
from loyalty_engine.persistence.embedded.memory import buffer_megabytes, memory_bytes

DATABASE: Final = "loyalty"
DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "checkpoint_timeout": "15min",
        "fsync": "on",
        # The log may hold no personal data: neither the row that broke a constraint nor the statement that failed.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_timezone": "UTC",
        "max_connections": "100",
        "max_wal_size": "2GB",
        "synchronous_commit": "on",
        "timezone": "UTC",
    }
)
OWNED: Final = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "listen_addresses",
        "logging_collector",
        "port",
        "unix_socket_directories",
        "unix_socket_permissions",
    }
)


def prepare_data(data: Path, binaries: Binaries, account: Account, *, lock: int, is_durable: bool) -> None:
    """Makes sure that `data` is a data directory these binaries can serve, and makes one when there is none.

    A new one is built beside its place and moved there when it is complete. So `data` is complete whenever it
    exists and is never wiped; what a killed start leaves behind is only ever the draft. Raises EmbeddedServerError
    when `data` is something else or was made by another major version.
    """
    if data.is_dir() and any(data.iterdir()):
        _require_same_major(data, binaries)
        return
    if data.is_symlink():  # to a disk that is not mounted, perhaps: an empty database would be no answer
        raise EmbeddedServerError(f"{data} is a link, but not to a PostgreSQL data directory")
    if data.exists() and not data.is_dir():
        raise EmbeddedServerError(f"{data} is not a directory")
    draft = data.with_name(data.name + ".new")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    account.take(draft)
    _initialize(draft, binaries, account, lock=lock, is_durable=is_durable)
    draft.rename(data)
    _sync(data.parent)


def _require_same_major(data: Path, binaries: Binaries) -> None:
    version = data / "PG_VERSION"
    if not version.exists():
        raise EmbeddedServerError(f"{data} is not empty and not a PostgreSQL data directory; nothing was changed")
    major = version.read_text(encoding="utf-8", errors="replace").strip()
    if major != str(binaries.major):
        raise EmbeddedServerError(
            f"the data in {data} was made by PostgreSQL {major}, but {binaries.directory} is version "
            f"{binaries.version}; dump it with {major} and restore it, or install {major}"
        )


def _initialize(draft: Path, binaries: Binaries, account: Account, *, lock: int, is_durable: bool) -> None:
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        raise EmbeddedServerError(
            f"the user id {account.uid} has no entry in /etc/passwd, which PostgreSQL needs to make its data directory"
        ) from None
    initdb = [binaries.program("initdb"), "-D", str(draft), "--username=postgres", "--encoding=UTF8", "--locale=C"]
    # Whoever reaches the socket is let in without a password: it lies in a directory that only the account can enter.
    initdb += ["--auth=trust", "--data-checksums", "--no-instructions", *([] if is_durable else ["--no-sync"])]
    create = [binaries.program("postgres"), "--single", "-D", str(draft), "-c", "exit_on_error=on"]
    create += [*([] if is_durable else ["-c", "fsync=off"]), "postgres"]
    for command, text in ((initdb, ""), (create, f"CREATE DATABASE {DATABASE};\n")):
        answer = account.run(command, lock=lock, text=text)
        if answer.returncode != 0:
            reason = telling_line(answer.stderr) or f"exit status {answer.returncode}"
            raise EmbeddedServerError(f"PostgreSQL could not make a data directory in {draft.parent}: {reason}")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_stale_pid_file(data: Path) -> None:
    """Removes the postmaster.pid of a server long gone, unless its process id is that of a running postgres.

    In containers ids are few and come again. With the id of another program in the file PostgreSQL would refuse to
    start for ever; with the id that the new server happens to get, the old file would pass for its word that it is
    ready. Who calls holds the lock, so a running postgres was started by hand, and it is PostgreSQL that objects.
    """
    path = data / "postmaster.pid"
    try:
        pid = int(path.read_text(encoding="utf-8", errors="replace").partition("\n")[0])
    except FileNotFoundError:
        return
    except ValueError:
        pid = None
    if pid is None or not is_alive(pid) or _program_of(pid) not in {"postgres", None}:
        path.unlink()


def _program_of(pid: int) -> str | None:
    """The name of the program that this process runs; None where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def server_command(
    data: Path, sockets: Path, settings: Mapping[str, str], *, binaries: Binaries, account: Account, lock: int
) -> list[str]:
    """The command that serves `data` on a unix socket in `sockets`, under our defaults and then `settings`.

    The settings are tried out without starting anything. Raises EmbeddedServerError with PostgreSQL's own complaint,
    or when a setting is one of those that this package lives on.
    """
    owned = [name for name in settings if name.lower().replace("-", "_") in OWNED]  # PostgreSQL reads both alike
    if owned:
        raise EmbeddedServerError(f"the setting {owned[0]!r} of the embedded PostgreSQL cannot be changed")
    sockets_only = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "logging_collector": "off",
    }
    start = [binaries.program("postgres"), "-D", str(data)]
    buffers = f"{buffer_megabytes(memory_bytes())}MB"
    for compression in ("lz4", "pglz"):  # not every build has lz4
        chosen = {**DEFAULTS, "shared_buffers": buffers, "wal_compression": compression, **settings, **sockets_only}
        command = start + [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        trial = account.run([*command, "-C", "port"], lock=lock)
        if trial.returncode == 0:
            return command
    raise EmbeddedServerError(f"PostgreSQL refuses a setting: {telling_line(trial.stderr)}")
