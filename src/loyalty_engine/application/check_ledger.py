"""Check the ledger: prove the invariants from the rows, for the API, the command line and every test of a promise."""

from collections.abc import Callable, Iterator
from typing import Final

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger_check import Finding, Report, check_rows

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
