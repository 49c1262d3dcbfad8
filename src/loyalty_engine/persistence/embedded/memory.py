"""How much memory the server takes for its buffers.

A program that has grown touches a dozen random pages per accrual. While the buffers hold them an accrual costs nearly
what it costs a small program; with too few of them each page is read and written back again and again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_SHARE: Final = 8
_LEAST: Final = 128 << 20
_MOST: Final = 8 << 30
_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def buffer_megabytes(memory: int) -> int:
    """Return the buffers for that many bytes of memory: an eighth, at least 128 MB, at most 8 GB.

    An eighth, because the API runs beside it. Memory that is not used yet is not taken either.
    """
    return min(max(memory // _SHARE, _LEAST), _MOST) >> 20


def memory_bytes() -> int:
    """Return the memory of the machine, or of the container when that allows less; 0 when nobody says."""
    found = []
    with suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # "max" is no number
            found.append(int(path.read_text(encoding="ascii")))
    return min(found, default=0)
