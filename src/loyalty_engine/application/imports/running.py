"""Running: page after page of a file through the judge, counted, and ready to stop and to go on at any page."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Final, NamedTuple, Protocol

from loyalty_engine.application.imports.judging import Judged, names_of
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


class PageJudge(Protocol):
    """Brings rows to their end."""

    async def judge(self, page: Sequence[Numbered]) -> list[Judged]:
        """Return what became of each row of a page."""


Tell = Callable[[Progress, Sequence[Fault]], Awaitable[bool]]
"""Keeps how far it is and what was wrong since the last time; False: stop."""


async def run(
    reader: Reader, judges: Sequence[PageJudge], source: Source, *, start: Progress, tell: Tell
) -> Progress | None:
    """Import what is left of a file and return what it came to; None when it was told to stop.

    Each judge has a page at a time; pages about the same member or order wait for each other. What they come to is told in
    the order of the file. A file that is refused as a
    whole has one faulty row: the one where it shows.
    """
    running = _Run(start, tell)
    try:
        async with aclosing(_pages(reader, source, start.place)) as pages:
            async for page in pages:
                names = names_of(page)
                while running.must_wait(names, len(judges)):
                    if not await running.settle():
                        return None
                running.begin(judges[running.pages % len(judges)], page, names)
        while running.under_way:
            if not await running.settle():
                return None
    except FileError as error:
        return await running.refuse(error.fault)
    finally:
        await running.stop()
    return running.progress


class _Page(NamedTuple):
    """A page that is being judged: where it ends, and what it is about."""

    after: Place
    names: set[object]
    judging: asyncio.Task[list[Judged]]


@dataclass(slots=True)
class _Run:
    """Pages that are being judged, oldest first, and how far all before them came."""

    progress: Progress
    tell: Tell
    under_way: deque[_Page] = field(default_factory=deque)
    pages: int = 0

    def must_wait(self, names: set[object], judges: int) -> bool:
        """Tell whether a page about ``names`` has to wait: for a judge, or for a page that is about one of them."""
        return len(self.under_way) == judges or any(not names.isdisjoint(page.names) for page in self.under_way)

    def begin(self, judge: PageJudge, page: Sequence[Numbered], names: set[object]) -> None:
        """Let a page be judged."""
        self.under_way.append(_Page(page[-1].after, names, asyncio.create_task(judge.judge(page))))
        self.pages += 1

    async def settle(self) -> bool:
        """Wait for the oldest page and tell what it came to; return whether to go on."""
        page = self.under_way.popleft()
        return await self._tell(page.after, await page.judging)

    async def refuse(self, fault: Fault) -> Progress | None:
        """Tell that the file is refused."""
        is_told = await self._tell(self.progress.place, [Judged(fault.line, fault)])
        return self.progress if is_told else None

    async def stop(self) -> None:
        """Leave nothing under way behind: what was not recorded by now is not."""
        for page in self.under_way:
            page.judging.cancel()
        await asyncio.gather(*(page.judging for page in self.under_way), return_exceptions=True)

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
