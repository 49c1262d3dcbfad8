"""A clock that tests move, in a file that API processes of :mod:`tests.harness.staged` go by."""

import mmap
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from loyalty_engine.core.kernel.instants import from_micros, to_micros

BEGINNING: Final = datetime(2027, 1, 30, 9, tzinfo=UTC)
_BYTES: Final = 8


class StagedClock:
    """A moment that stands still until it is moved: forwards, and backwards too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._moment = mmap.mmap(file.fileno(), _BYTES)

    @classmethod
    def make(cls, now: datetime = BEGINNING) -> Self:
        """Return a clock in a file of its own."""
        with tempfile.NamedTemporaryFile(prefix="loyalty-clock-", delete=False) as file:
            file.write(to_micros(now).to_bytes(_BYTES))
        return cls(Path(file.name))

    def __call__(self) -> datetime:
        """Return what it shows."""
        return from_micros(int.from_bytes(self._moment[:_BYTES]))

    def set(self, now: datetime) -> None:
        """Let it show ``now``."""
        self._moment[:_BYTES] = to_micros(now).to_bytes(_BYTES)

    def step(self, **length: int) -> None:
        """Move it by a length such as ``days=3``; a negative one moves it back."""
        self.set(self() + timedelta(**length))

    def remove(self) -> None:
        """Throw it away."""
        self._moment.close()
        self.path.unlink()
