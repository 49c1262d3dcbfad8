"""Finding an embedded server that another process of ours keeps running, so that a second command can use it too."""

from pathlib import Path

from loyalty_engine.persistence.embedded.cluster import DATABASE
from loyalty_engine.persistence.embedded.lock import is_alive


def find_running(directory: Path) -> str | None:
    """Return the URL of the server that runs in this state directory; None when none does or we may not look."""
    try:
        lines = (directory / "data/postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port, sockets = int(lines[0]), int(lines[3]), lines[4]
    except (OSError, ValueError, IndexError):
        return None
    return f"postgresql://postgres@/{DATABASE}?host={sockets}&port={port}" if is_alive(pid) else None
