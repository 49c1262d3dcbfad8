"""A file of any size: the right rows are stored, the wrong ones listed, and however often it is imported or killed amid
that, nothing is there twice.
"""

import asyncio
import csv
import os
import re
import sys
from pathlib import Path

from loyalty_engine.persistence.ledger_check import check_rows
from tests.harness.crowds import size
from tests.harness.ledger import TABLES, Ledger
from tests.harness.programs import Program

ROWS = size(5_000, 1_000_000)
WRONG = 100
"""Every row of this distance is wrong, each in another way than the last."""
KILLS = size(3, 12)
POINTS = 7

_WAYS = (
    ("card:{n},not-a-day,points,{points}", "day"),
    ("card {n},,points,{points}", "identity"),
    ("card:{n},,miles,{points}", "wallet_not_found"),
    ("card:{n},,points,-{points}", "greater_than_equal"),
    ("card:{n},,points,{points},7", "cells_mismatch"),
    ('"card:{n},,points,{points}', "quotes_unbalanced"),
    ("card:1 card:{n},,points,{points}", "identity_taken"),
)


def write(path: Path) -> dict[int, str]:
    """Write a table of members with their points; return what is wrong by line."""
    wrong: dict[int, str] = {}
    with path.open("w") as file:
        file.write("identities,birthday,lot.wallet,lot.points\n")
        for n in range(1, ROWS + 1):
            row = "card:{n} ext:{n},,points,{points}"
            if n % WRONG == 0:
                row, wrong[n + 1] = _WAYS[n // WRONG % len(_WAYS)]
            file.write(row.format(n=n, points=POINTS) + "\n")
    return wrong


async def start(program: Program, file: Path, faults: Path) -> asyncio.subprocess.Process:
    """Start an import."""
    command = ("import", file, "--program", program.key, "--kind", "members", "--faults", faults)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loyalty_engine.cli", *map(str, command)),
        env={**os.environ, "LOYALTY_DATABASE_URL": program.database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def finish(program: Program, file: Path, faults: Path) -> list[int]:
    """Import to the end; return the rows that were read, stored, changed, unchanged and faulty."""
    run = await start(program, file, faults)
    said, _ = await run.communicate()
    assert run.returncode == 1, said
    return [int(number) for number in re.findall(rb"[0-9]+", said.splitlines()[-1])]


def listed(faults: Path) -> dict[int, str]:
    with faults.open(newline="") as file:
        return {int(row["line"]): row["code"] for row in csv.DictReader(file)}


async def counts(ledger: Ledger) -> dict[str, int]:
    return {table: await ledger.count(table) for table in TABLES}


async def test_a_million_rows_are_stored_once_and_the_wrong_ones_listed(
    program: Program, ledger: Ledger, tmp_path: Path
) -> None:
    file, faults = tmp_path / "members.csv", tmp_path / "faults.csv"
    wrong = write(file)
    right = ROWS - len(wrong)
    await ledger.connection.execute("SET statement_timeout = 0")
    for kill in range(1, KILLS + 1):
        running = await start(program, file, faults)
        while await ledger.count("member") < right * kill // (KILLS + 1):
            assert running.returncode is None
            await asyncio.sleep(0.05)
        running.kill()
        await running.communicate()
        stored = await ledger.counts()  # in one statement: what was sent last may be committed after the kill
        assert stored["lot"] == stored["member"] < right

    first = await finish(program, file, faults)
    listed_first, before = listed(faults), await counts(ledger)
    again = await finish(program, file, faults)

    assert [first[0], first[1] + first[3], *first[2::2]] == [ROWS, right, 0, len(wrong)]
    assert again == [ROWS, 0, 0, right, len(wrong)]
    assert listed_first == listed(faults) == wrong
    assert await counts(ledger) == before
    assert await ledger.count("member_identity") == 2 * right
    assert await ledger.count("lot", "remaining = $2", POINTS) == await ledger.count("member") == right
    report = await check_rows(ledger.connection, ledger.program_id)
    assert [finding for finding in report.findings if finding.offences] == []
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
