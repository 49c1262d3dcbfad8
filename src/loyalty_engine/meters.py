"""Meters: what this process did, counted in plain numbers that ``/metrics`` shows.

Plain, because a hot request may spend a few tenths of a microsecond on being counted: the Prometheus client takes 1.4
for one observation, and 2.9 as soon as several processes share their numbers (measured). One event loop counts, so
nothing is locked. Several processes share their numbers as small files, rewritten once a second.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

Labels = tuple[str, ...]

SECONDS: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Distribution:
    """How often values up to each bound were seen, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def merge(self, counts: Sequence[int], total: float) -> None:
        """Add what another process counted with the same bounds."""
        self.counts = [own + other for own, other in zip(self.counts, counts, strict=True)]
        self.total += total


class Meters:
    """Everything one process counts. ``requests`` is keyed by route, method and status; the rest by what it names."""

    def __init__(self) -> None:
        self.requests: defaultdict[Labels, Distribution] = defaultdict(lambda: Distribution(SECONDS))
        self.batches: defaultdict[Labels, Distribution] = defaultdict(lambda: Distribution(SIZES))
        self.batch_seconds: defaultdict[Labels, Distribution] = defaultdict(lambda: Distribution(SECONDS))
        self.decisions: defaultdict[Labels, int] = defaultdict(int)
        self.lost_guards = 0
        self.slow_turns = 0
        self.partition_faults = 0
        self.waiting: dict[Labels, int] = {}

    def count_batch(self, name: str, *, size: int, seconds: float, waiting: int) -> None:
        """Count a batch that went to the database, and how many items were left waiting when it was back."""
        self.batches[name,].add(size)
        self.batch_seconds[name,].add(seconds)
        self.waiting[name,] = waiting

    def show(self) -> str:
        """Return everything as text that :meth:`add_shown` reads."""
        return json.dumps(self._state())

    def add_shown(self, text: str, *, is_alive: bool = True) -> None:
        """Add what a process showed; what cannot be read is left out. Of one that is gone nobody waits any more."""
        with suppress(ValueError):
            saved: dict[str, Any] = json.loads(text)
            for name in ("requests", "batches", "batch_seconds"):
                distributions: defaultdict[Labels, Distribution] = getattr(self, name)
                for labels, counts, total in saved[name]:
                    distributions[tuple(labels)].merge(counts, total)
            for labels, count in saved["decisions"]:
                self.decisions[tuple(labels)] += count
            self.lost_guards += saved["lost_guards"]
            self.slow_turns += saved["slow_turns"]
            self.partition_faults += saved["partition_faults"]
            for labels, count in saved["waiting"] if is_alive else ():
                self.waiting[tuple(labels)] = self.waiting.get(tuple(labels), 0) + count

    def _state(self) -> dict[str, Any]:
        return {
            "requests": _rows(self.requests.items()),
            "batches": _rows(self.batches.items()),
            "batch_seconds": _rows(self.batch_seconds.items()),
            "decisions": list(self.decisions.items()),
            "lost_guards": self.lost_guards,
            "slow_turns": self.slow_turns,
            "partition_faults": self.partition_faults,
            "waiting": list(self.waiting.items()),
        }


def _rows(distributions: Iterable[tuple[Labels, Distribution]]) -> list[tuple[Labels, list[int], float]]:
    return [(labels, distribution.counts, distribution.total) for labels, distribution in distributions]


METERS: Final = Meters()
"""The meters of this process: it counts from everywhere, so there is one."""


class Exchange:
    """The directory in which the processes of one service leave their meters, one file per process number.

    A process that comes back after a crash goes on from what its predecessor counted, so totals never fall. To replace a
    file may take as long as a disk that is busy with commits lets it, so whoever serves requests meanwhile ``show``s
    its meters and has a thread ``leave`` them.
    """

    def __init__(self, meters: Meters, directory: Path, number: int) -> None:
        self._meters = meters
        self._directory = directory
        self._own = directory / f"{number}.json"
        meters.add_shown(_read(self._own), is_alive=False)

    def show(self) -> str:
        """Return what this process counted so far."""
        return self._meters.show()

    def leave(self, shown: str) -> None:
        """Let the others read what was shown, at any moment; a full disk only makes them see older figures."""
        draft = self._own.with_suffix(".new")
        with suppress(OSError):
            draft.write_text(shown, encoding="utf-8")
            draft.replace(self._own)

    def total(self) -> Meters:
        """Return the sum over all processes: of this one as it is now, of the others as of a second ago."""
        total = Meters()
        total.add_shown(self.show())
        for path in sorted(self._directory.glob("*.json")):
            if path != self._own:
                total.add_shown(_read(path))
        return total


def _read(path: Path) -> str:
    """Return the text of a file; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
