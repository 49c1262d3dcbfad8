"""Lines: a file of any size, cut where its lines end, with at most one of them in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 256 * 1024
"""How long a line may be: as long as a request's body."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on in a file: so many bytes and lines of it are done."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; ``raw`` is None when it was too long to be kept. ``after`` is where the next one begins."""

    raw: bytes | None
    before: Place
    after: Place

    @property
    def number(self) -> int:
        """Its number in the file, from 1 on."""
        return self.before.lines + 1


class Lines:
    """Cuts what it is fed, from a place on."""

    def __init__(self, start: Place) -> None:
        self._place = start
        self._rest: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that end in this chunk."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._keep(part)
            yield self._cut(1)
        self._keep(rest)

    def finish(self) -> Iterator[Line]:
        """Yield the last line, if nothing ended it."""
        if self._length:
            yield self._cut(0)

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length <= MAX_BYTES:
            self._rest.append(part)
        else:
            self._rest.clear()

    def _cut(self, ends: int) -> Line:
        raw = b"".join(self._rest).removesuffix(b"\r") if self._length <= MAX_BYTES else None
        before = self._place
        self._place = Place(before.offset + self._length + ends, before.lines + 1)
        self._rest.clear()
        self._length = 0
        return Line(raw, before, self._place)
