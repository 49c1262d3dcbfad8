"""Run an import: a job over an uploaded file, which may be stopped or killed at any page and goes on there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.imports.code_judging import CodeJudge
from loyalty_engine.application.imports.judging import Judge
from loyalty_engine.application.imports.lines import Place
from loyalty_engine.application.imports.reading import Reader
from loyalty_engine.application.imports.rows import Fault, Forms
from loyalty_engine.application.imports.running import Counts, PageJudge, Progress, run
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.imports import FaultRow, add_faults, drop_file, entered, read_file
from loyalty_engine.persistence.jobs import Job

Keep = Callable[[int, int | None, Mapping[str, Any]], Awaitable[bool]]
"""Stores how many bytes of how many are done, and the job's params; False when the job is not ours any more: stop."""

_DONE: Final = "is_done"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file came to. After a dry run nothing of it is recorded."""

    rows: int
    stored: int
    changed: int
    unchanged: int
    faulty: int
    is_dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """Show it as the job's result."""
        return asdict(self)


async def run_import(
    connections: tuple[Connection, ...],
    rulesets: Rulesets,
    program_id: int,
    job: Job,
    *,
    clocks: Clocks,
    forms: Forms,
    progress: Keep,
) -> ImportResult | None:
    """Import what is left of a job's file; None when ``progress`` said to stop.

    Over the first of the ``connections`` the file is read; each other one judges a page at a time.

    Rows are known by what they say, so a row that was recorded before the process died is unchanged now. The file is
    forgotten at the end, its faults stay.
    """
    own, *judging = connections
    params = job.params
    ruleset = await rulesets.latest(program_id)
    reader = Reader(params["kind"], params["format"], params["separator"], forms=forms, ruleset=ruleset)

    def judge(connection: Connection) -> PageJudge:
        if params["kind"] == "codes":
            return CodeJudge(connection, program_id=program_id, pool=params["pool"], is_dry=params["dry_run"])
        return Judge(
            connection,
            rulesets,
            clocks,
            program_id=program_id,
            forms=forms,
            updates=params["on_conflict"] == "update",
            is_dry=params["dry_run"],
        )

    source = partial(read_file, own, program_id, job.id)
    start = _progress_of(params)

    async def tell(reached: Progress, faults: Sequence[Fault]) -> bool:
        async with entered(own, program_id):
            await add_faults(own, program_id, job.id, [FaultRow(*_columns(fault)) for fault in faults])
        return await progress(reached.place.offset, job.total, {**params, **_show(reached)})

    reached: Progress | None = start
    if not params.get(_DONE):
        reached = await run(reader, [judge(connection) for connection in judging], source, start=start, tell=tell)
        if reached is None:
            return None
        if not await progress(job.total or reached.place.offset, job.total, {**params, **_show(reached), _DONE: True}):
            return None
    async with entered(own, program_id):
        await drop_file(own, program_id, job.id)
    assert reached is not None
    counts = reached.counts
    return ImportResult(rows=counts.rows, **asdict(counts), is_dry_run=params["dry_run"])


def _columns(fault: Fault) -> tuple[int, str, str, str]:
    return fault.line, fault.code, fault.pointer, fault.message


def _show(reached: Progress) -> dict[str, Any]:
    return {"place": asdict(reached.place), "counts": asdict(reached.counts)}


def _progress_of(params: Mapping[str, Any]) -> Progress:
    """Return how far the job came before."""
    if "place" not in params:
        return Progress()
    return Progress(Place(**params["place"]), Counts(**params["counts"]))
