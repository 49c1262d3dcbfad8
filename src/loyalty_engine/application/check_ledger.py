"""Check the ledger: prove the invariants from the rows, for the API, the command line and every test of a promise.

The command line can also rebuild it, which reads everything and takes its time.
"""

from collections.abc import Callable, Iterator
from typing import Final

from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.invariants import ANSWERS
from loyalty_engine.persistence.ledger_check import Finding, Report, check_rows
from loyalty_engine.persistence.rebuild import Misfit, rebuild_members

_DAY_SECONDS: Final = 86_400


async def check_ledger(connection: Connection, program_id: int | None) -> Report:
    """Return what the check of one program found, or of all programs with None, which needs the owner's role."""
    return await check_rows(connection, program_id)


async def check_patiently(connection: Connection, program_id: int | None, tell: Callable[[str], None]) -> Report:
    """Check as long as it takes, and tell line by line: one for each invariant, what breaks it indented, the totals last."""

    def tell_finding(finding: Finding) -> None:
        for line in _show_finding(finding):
            tell(line)

    report = await check_rows(connection, program_id, statement_seconds=_DAY_SECONDS, tell=tell_finding)
    for line in _show_totals(report):
        tell(line)
    return report


async def rebuild_patiently(
    connection: Connection, program_id: int | None, tell: Callable[[str], None], *, advance: Callable[[int], None]
) -> bool:
    """Rebuild every member from what was only ever added, and tell whether all that is stored is the same.

    ``tell`` hears each figure that is stored otherwise, then what the answers and keys that are kept with operations
    contradict. ``advance`` hears how many members more were rebuilt.
    """
    misfits = 0
    async for misfit in rebuild_members(connection, program_id, tell=advance):
        misfits += 1
        tell(f"FAIL  rebuilt: {_show_misfit(misfit)}")
    report = await check_rows(connection, program_id, invariants=ANSWERS, statement_seconds=_DAY_SECONDS)
    for finding in report.findings:
        for line in _show_finding(finding):
            tell(line)
    tell(f"{report.totals.members} members rebuilt; {misfits} figures are stored otherwise.")
    return report.is_sound and not misfits


def _show_misfit(misfit: Misfit) -> str:
    values, figure = misfit.difference, misfit.difference.figure
    member = "" if misfit.member_id is None else f"{show_id('mem', misfit.member_id)}, "
    name = figure.of if not figure.name else f"{figure.of} {figure.name}"
    return (
        f"program {misfit.program_id}, {member}{name}, {figure.column}: "
        f"stored {values.stored}, rebuilt {values.rebuilt}"
    )


def _show_totals(report: Report) -> list[str]:
    totals = report.totals
    lines = [f"{totals.members} members, {totals.operations} operations, {totals.postings} postings"]
    lines += [
        f"program {held.program_id}, {held.wallet}: {held.points} outstanding, {held.debt} owed by members"
        for held in totals.outstanding
    ]
    broken = sum(1 for finding in report.findings if finding.offences)
    lines.append(f"The ledger is broken: {broken} checks failed." if broken else "The ledger is sound.")
    return lines


def _show_finding(finding: Finding) -> Iterator[str]:
    if not finding.offences:
        yield f"ok    {finding.name}"
        return
    yield f"FAIL  {finding.name}: {finding.offences} offences. {finding.promise}"
    for example in finding.examples:
        yield "      " + ", ".join(f"{name} {value}" for name, value in example.items())
    if finding.offences > len(finding.examples):
        yield f"      … and {finding.offences - len(finding.examples)} more"
