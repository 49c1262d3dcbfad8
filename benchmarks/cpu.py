"""CPU seconds of processes, from the kernel's own accounting: steadier than wall time on a shared machine."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of one process with all its threads, and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def family_cpu_seconds(pid: int) -> float:
    """Return the same for a process and all that descend from it."""
    total = 0.0
    with suppress(OSError):  # a process may end while we look; its parent then has its seconds
        total = cpu_seconds(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                total += family_cpu_seconds(int(child))
    return total
