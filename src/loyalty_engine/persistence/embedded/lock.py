"""The lock of a state directory: one server at a time, however the one before ended."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from loyalty_engine.persistence.embedded.errors import EmbeddedServerError

PATIENCE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.05


def acquire_lock(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Locks the state directory for our life and returns the descriptor that holds the lock; closing it lets go.

    The supervisor, PostgreSQL and its tools inherit the descriptor, and the lock is free only when the last of them
    is gone. So when the process that is written in the file is dead, its server is just shutting down: we wait for
    it, at most `patience_seconds`. When that process lives, or the wait was too long, EmbeddedServerError.
    Raises OSError when the file cannot be used.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for_lock(descriptor, path.parent, patience_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _wait_for_lock(descriptor: int, directory: Path, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while not _try_lock(descriptor):
        holder = os.pread(descriptor, 20, 0)
        if holder.isdigit() and is_alive(int(holder)):
            raise EmbeddedServerError(f"another process is using {directory} (pid {int(holder)})")
        if time.monotonic() > deadline:
            raise EmbeddedServerError(
                f"another process is using {directory}: its server was left alone and did not end within "
                f"{patience_seconds:.0f} s"
            )
        time.sleep(POLL_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs. A zombie does not: nobody may be there to bury it, as in many containers."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state != "Z"
