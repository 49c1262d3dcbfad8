"""The ledger check: proves from the rows alone that nothing was lost, doubled or bent, and names what was.

All invariants are judged over one snapshot, so that the check is right amid writes. Each stands in
``invariants.py`` with its name, its promise and the SQL that finds what breaks it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.kernel.ids import Prefix, show_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.invariants import INVARIANTS, VIEWS, Invariant

_SHOWN: Final = 20
_STATEMENT_SECONDS: Final = 600

PLANNING: Final = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'"
"""Every row is read once. Of a program that grew since PostgreSQL last counted rows the planner believes that it is
empty, and joins it row by row: minutes instead of a fifth of a second at 30,000 operations (measured)."""

_PREFIXES: Final[Mapping[str, Prefix]] = {
    "member_id": "mem",
    "operation_id": "op",
    "order_id": "ord",
    "lot_id": "lot",
    "posting_id": "pst",
    "activity_id": "act",
    "outcome_id": "op",
    "hold_id": "red",
}

_FIND: Final = """
SELECT count(*) OVER () AS offences, to_jsonb(x) AS example FROM ({sql}) x ORDER BY to_jsonb(x)::text LIMIT $2
"""

_TOTALS: Final = """
SELECT (SELECT count(*) FROM loyalty.member WHERE $1::int IS NULL OR program_id = $1) AS members,
       (SELECT count(*) FROM loyalty.operation WHERE $1::int IS NULL OR program_id = $1) AS operations,
       (SELECT count(*) FROM loyalty.posting WHERE $1::int IS NULL OR program_id = $1) AS postings
"""

_OUTSTANDING: Final = """
SELECT program_id, wallet, sum(available + pending + held)::bigint AS points, sum(debt)::bigint AS debt
  FROM loyalty.balance WHERE $1::int IS NULL OR program_id = $1
 GROUP BY program_id, wallet ORDER BY program_id, wallet
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check of one invariant found. ``examples`` are up to 20 offending rows, ids only."""

    name: str
    promise: str
    offences: int
    examples: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What the members of a program hold and owe in one wallet."""

    program_id: int
    wallet: str
    points: int
    debt: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much was checked."""

    members: int
    operations: int
    postings: int
    outstanding: tuple[Outstanding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Every finding, in the order of the invariants, and the totals of the same snapshot."""

    findings: tuple[Finding, ...]
    totals: Totals

    @property
    def is_sound(self) -> bool:
        """Whether every invariant holds."""
        return not any(finding.offences for finding in self.findings)


async def check_rows(
    connection: Connection,
    program_id: int | None,
    *,
    invariants: Sequence[Invariant] = INVARIANTS,
    statement_seconds: int = _STATEMENT_SECONDS,
    tell: Callable[[Finding], None] | None = None,
) -> Report:
    """Check one program, or all of them with None, which needs the owner's role.

    Runs in one repeatable-read snapshot of its own, or in that of the session that is open already. No statement may
    take longer than ``statement_seconds``, whatever the connection's limits are. ``tell`` hears of each finding at once.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{statement_seconds}s'; {PLANNING}")
        findings = []
        for invariant in invariants:
            findings.append(await _check(connection, program_id, invariant, statement_seconds))
            if tell is not None:
                tell(findings[-1])
        return Report(tuple(findings), await _sum_up(connection, program_id, statement_seconds))


async def _check(connection: Connection, program_id: int | None, invariant: Invariant, seconds: int) -> Finding:
    statement = VIEWS + _FIND.format(sql=invariant.sql)
    rows = await connection.fetch(statement, program_id, _SHOWN, timeout=seconds)
    return Finding(
        name=invariant.name,
        promise=invariant.promise,
        offences=rows[0]["offences"] if rows else 0,
        examples=tuple(_show(orjson.loads(row["example"])) for row in rows),
    )


async def _sum_up(connection: Connection, program_id: int | None, seconds: int) -> Totals:
    counts = await connection.fetchrow(_TOTALS, program_id, timeout=seconds)
    assert counts is not None
    rows = await connection.fetch(_OUTSTANDING, program_id, timeout=seconds)
    return Totals(
        members=counts["members"],
        operations=counts["operations"],
        postings=counts["postings"],
        outstanding=tuple(Outstanding(**dict(row)) for row in rows),
    )


def _show(row: Mapping[str, Any]) -> dict[str, str]:
    """Show a row's ids as callers know them; what it does not have is left out."""
    return {
        name: show_id(_PREFIXES[name], UUID(value)) if name in _PREFIXES else str(value)
        for name, value in row.items()
        if value is not None
    }
