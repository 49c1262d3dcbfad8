"""Import a file that lies on this machine, without a job: for operators."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.imports.judging import Judge
from loyalty_engine.application.imports.reading import Format, Reader
from loyalty_engine.application.imports.rows import Fault, Forms, Kind
from loyalty_engine.application.imports.running import Counts, Progress, run
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.persistence.connections import Connection

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the file is, and what to do with it."""

    kind: Kind
    format: Format
    separator: str = ","
    updates: bool = False
    is_dry: bool = False


async def import_file(
    connections: Sequence[Connection],
    rulesets: Rulesets,
    program_id: int,
    path: Path,
    *,
    options: ImportOptions,
    clocks: Clocks,
    forms: Forms,
    tell: Callable[[int, Sequence[Fault]], Awaitable[None]],
) -> Counts:
    """Import a file from its beginning, over each of the ``connections`` a page at a time; ``tell`` hears after each page how many bytes are done and what was wrong.

    A file that was imported before, in whole or in part, changes nothing where it was. Raises ``OSError``.
    """
    ruleset = await rulesets.latest(program_id)
    reader = Reader(options.kind, options.format, options.separator, forms=forms, ruleset=ruleset)
    judges = [
        Judge(
            connection,
            rulesets,
            clocks,
            program_id=program_id,
            forms=forms,
            updates=options.updates,
            is_dry=options.is_dry,
        )
        for connection in connections
    ]

    async def source(offset: int) -> AsyncGenerator[bytes, None]:
        with path.open("rb") as file:
            file.seek(offset)
            while chunk := file.read(_CHUNK):
                yield chunk

    async def keep(reached: Progress, faults: Sequence[Fault]) -> bool:
        await tell(reached.place.offset, faults)
        return True

    reached = await run(reader, judges, source, start=Progress(), tell=keep)
    assert reached is not None
    return reached.counts
