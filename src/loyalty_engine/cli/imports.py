"""``loyalty import``: a file of members, lots or past orders, straight into the database."""

import csv
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from loyalty_engine.cli.database import open_database, own_connection, require_program
from loyalty_engine.cli.failures import FailureError, one_line, read_settings

if TYPE_CHECKING:
    from loyalty_engine.application.import_file import ImportOptions
    from loyalty_engine.application.imports.rows import Fault
    from loyalty_engine.application.imports.running import Counts

_COLLECT_AFTER: Final = 50_000
"""Allocations between garbage collections: a page makes many objects at once and leaves none in circles."""
_SHOWN: Final = 20
"""Faults that are printed when no file was named for them."""
_FORMATS: Final = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "--kind": ("members", "lots", "orders"),
    "--format": ("csv", "ndjson"),
    "--separator": (",", ";"),
    "--on-conflict": ("refuse", "update"),
}


def import_(
    file: Annotated[Path, typer.Argument(help="The file.")],
    program: Annotated[str, typer.Option(help="Key of the program.")],
    kind: Annotated[str, typer.Option(help="members, lots or orders.")],
    *,
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv or ndjson; by the file's name by default.")
    ] = None,
    separator: Annotated[str, typer.Option(help="What stands between cells of a CSV file: , or ;")] = ",",
    on_conflict: Annotated[
        str, typer.Option(help="A member that is there already and differs: refuse the row, or update the member.")
    ] = "refuse",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row and write nothing.")] = False,
    faults: Annotated[Path | None, typer.Option(help="A CSV file to write what was wrong to, row by row.")] = None,
) -> None:
    """Import members, lots or past orders. Every row is judged like a request to the API.

    It may be stopped and run again at any time: rows that were taken before are left alone. Exit code 1 when some rows
    could not be taken.
    """
    import uvloop

    from loyalty_engine.application.import_file import ImportOptions

    chosen: Any = file_format or _FORMATS.get(file.suffix.lower())
    if chosen is None:
        raise FailureError("the name of the file does not tell its form; name a --format")
    named: dict[str, Any] = {
        "--kind": kind,
        "--format": chosen,
        "--separator": separator,
        "--on-conflict": on_conflict,
    }
    for option, value in named.items():
        if value not in _CHOICES[option]:
            raise FailureError(f"{option} must be one of {' '.join(_CHOICES[option])}")
    options = ImportOptions(named["--kind"], chosen, separator, updates=on_conflict == "update", is_dry=dry_run)
    with one_line(), ExitStack() as stack:
        size = file.stat().st_size
        report = _Report(stack, faults)
        database = stack.enter_context(open_database(read_settings(), may_share=True))
        gc.set_threshold(_COLLECT_AFTER, 20, 50)
        counts = uvloop.run(_run(database.url, program, file, options=options, size=size, report=report))
    report.end()
    print(_sum_up(counts, is_dry=dry_run))
    if counts.faulty:
        raise typer.Exit(1)


class _Report:
    """Where faults go: into a file as they come, or the first of them to the terminal at the end."""

    def __init__(self, stack: ExitStack, path: Path | None) -> None:
        self._first: list[Fault] = []
        self._writer = None
        if path is not None:
            file = stack.enter_context(path.open("w", newline="", encoding="utf-8"))
            self._writer = csv.writer(file, lineterminator="\n")
            self._writer.writerow(("line", "code", "pointer", "message"))

    def add(self, faults: "Sequence[Fault]") -> None:
        """Take some more faults."""
        if self._writer is not None:
            self._writer.writerows((fault.line, fault.code, fault.pointer, fault.message) for fault in faults)
        else:
            self._first += faults[: _SHOWN - len(self._first)]

    def end(self) -> None:
        """Print what was kept for the end."""
        for fault in self._first:
            where = f" at {fault.pointer}" if fault.pointer else ""
            print(f"line {fault.line}: {fault.code}{where}: {fault.message}")


async def _run(url: str, program: str, file: Path, *, options: "ImportOptions", size: int, report: _Report) -> "Counts":
    from loyalty_engine.api.import_forms import ImportForms
    from loyalty_engine.application.clocks import Clocks
    from loyalty_engine.application.import_file import import_file
    from loyalty_engine.application.rulesets import Rulesets
    from loyalty_engine.persistence.connections import create_pool
    from loyalty_engine.persistence.migrating import require_current
    from loyalty_engine.persistence.sessions import Sessions

    await require_current(url)
    async with create_pool(url, size=1) as pool, own_connection(url) as one, own_connection(url) as other:
        program_id = await require_program(one, program)
        for connection in (one, other):
            await connection.execute("SET statement_timeout = 0")  # nobody waits for a page but us
        sessions = Sessions(pool)
        with _bar(file.name, size) as advance_to:

            async def tell(done: int, faults: "Sequence[Fault]") -> None:
                report.add(faults)
                advance_to(done)

            return await import_file(
                (one, other),
                Rulesets(sessions),
                program_id,
                file,
                options=options,
                clocks=Clocks(sessions, _now),
                forms=ImportForms(),
                tell=tell,
            )


@contextmanager
def _bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show how much of the file is done; the callable takes the bytes so far."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=size)
        yield lambda done: progress.update(task, completed=done)


def _sum_up(counts: "Counts", *, is_dry: bool) -> str:
    would = "would be " if is_dry else ""
    return (
        f"{counts.rows} rows: {counts.stored} {would}stored, {counts.changed} {would}changed, "
        f"{counts.unchanged} unchanged, {counts.faulty} faulty"
    )


def _now() -> datetime:
    return datetime.now(UTC)
