"""Check the ledger: prove the invariants from the rows, for the API, the command line and every test of a promise."""

from collections.abc import Iterator

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger_check import Finding, Report, check_rows


async def check_ledger(connection: Connection, program_id: int | None) -> Report:
    """Return what the check of one program found, or of all programs with None, which needs the owner's role."""
    return await check_rows(connection, program_id)


def show_report(report: Report) -> list[str]:
    """Return a report as lines of text: one per invariant, what breaks it indented below, the totals last."""
    lines = [line for finding in report.findings for line in _show_finding(finding)]
    totals = report.totals
    lines.append(f"{totals.members} members, {totals.operations} operations, {totals.postings} postings")
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
