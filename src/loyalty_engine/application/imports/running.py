"""Running: page after page of a file through the judge, counted, and ready to stop and to go on at any page."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Final

from loyalty_engine.application.imports.judging import Judge, Judged
from loyalty_engine.application.imports.lines import Place
from loyalty_engine.application.imports.reading import FileError, Numbered, Reader, Source
from loyalty_engine.application.imports.rows import Fault

_PAGE: Final = 250
"""Rows per statement: enough that round trips and commits cost little, few enough that nobody waits long for them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows came to what. After a crash the last page is judged again, and what it had stored is unchanged."""

    stored: int = 0
    changed: int = 0
    unchanged: int = 0
    faulty: int = 0

    @property
    def rows(self) -> int:
        """All rows."""
        return self.stored + self.changed + self.unchanged + self.faulty

    def add(self, results: Sequence[Judged]) -> "Counts":
        """Return the counts with some more rows."""
        counts = asdict(self)
        for judged in results:
            counts["faulty" if isinstance(judged.result, Fault) else judged.result] += 1
        return Counts(**counts)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is."""

    place: Place = field(default_factory=Place)
    counts: Counts = field(default_factory=Counts)


Tell = Callable[[Progress, Sequence[Fault]], Awaitable[bool]]
"""Keeps how far it is and what was wrong since the last time; False: stop."""


async def run(reader: Reader, judge: Judge, source: Source, *, start: Progress, tell: Tell) -> Progress | None:
    """Import what is left of a file and return what it came to; None when it was told to stop.

    A file that is refused as a whole has one faulty row: the one where it shows.
    """
    progress = start
    try:
        async with aclosing(_pages(reader, source, start.place)) as pages:
            async for page in pages:
                judged = await judge.judge(page)
                progress = Progress(page[-1].after, progress.counts.add(judged))
                if not await tell(progress, _faults(judged)):
                    return None
    except FileError as error:
        judged = [Judged(error.fault.line, error.fault)]
        progress = Progress(progress.place, progress.counts.add(judged))
        if not await tell(progress, _faults(judged)):
            return None
    return progress


async def _pages(reader: Reader, source: Source, start: Place) -> AsyncGenerator[list[Numbered], None]:
    page: list[Numbered] = []
    async with aclosing(reader.read(source, start)) as rows:
        async for row in rows:
            page.append(row)
            if len(page) == _PAGE:
                yield page
                page = []
    if page:
        yield page


def _faults(judged: Sequence[Judged]) -> list[Fault]:
    return sorted((found.result for found in judged if isinstance(found.result, Fault)), key=lambda fault: fault.line)
