"""Running: page after page of a file through the judge, counted, and ready to stop and to go on at any page."""

import asyncio
from collections import deque
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


async def run(
    reader: Reader, judges: Sequence[Judge], source: Source, *, start: Progress, tell: Tell
) -> Progress | None:
    """Import what is left of a file and return what it came to; None when it was told to stop.

    Each judge has a page at a time, and what they come to is told in the order of the file. A file that is refused as a
    whole has one faulty row: the one where it shows.
    """
    running = _Run(start, tell)
    try:
        async with aclosing(_pages(reader, source, start.place)) as pages:
            async for page in pages:
                if len(running.under_way) == len(judges) and not await running.settle():
                    return None
                judge = judges[running.pages % len(judges)]
                running.begin(judge, page)
        while running.under_way:
            if not await running.settle():
                return None
    except FileError as error:
        return await running.refuse(error.fault)
    finally:
        await running.stop()
    return running.progress


@dataclass(slots=True)
class _Run:
    """Pages that are being judged, oldest first, and how far all before them came."""

    progress: Progress
    tell: Tell
    under_way: deque[tuple[Place, asyncio.Task[list[Judged]]]] = field(default_factory=deque)
    pages: int = 0

    def begin(self, judge: Judge, page: Sequence[Numbered]) -> None:
        """Let a page be judged."""
        self.under_way.append((page[-1].after, asyncio.create_task(judge.judge(page))))
        self.pages += 1

    async def settle(self) -> bool:
        """Wait for the oldest page and tell what it came to; return whether to go on."""
        after, task = self.under_way.popleft()
        return await self._tell(after, await task)

    async def refuse(self, fault: Fault) -> Progress | None:
        """Tell that the file is refused."""
        is_told = await self._tell(self.progress.place, [Judged(fault.line, fault)])
        return self.progress if is_told else None

    async def stop(self) -> None:
        """Leave nothing under way behind: what was not recorded by now is not."""
        for _, task in self.under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in self.under_way), return_exceptions=True)

    async def _tell(self, after: Place, judged: list[Judged]) -> bool:
        self.progress = Progress(after, self.progress.counts.add(judged))
        return await self.tell(self.progress, _faults(judged))


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
