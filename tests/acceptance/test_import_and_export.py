"""Files by command: what goes in comes out again, and what is wrong is said and told to the shell."""

import csv
import json
from pathlib import Path

from tests.harness.ledger import Ledger
from tests.harness.programs import Program
from tests.harness.service import run


def command(program: Program, *arguments: str) -> tuple[int, str, str]:
    """Run a command on the program's database; return its exit code and what it said."""
    done = run(*arguments, "--program", program.key, LOYALTY_DATABASE_URL=program.database_url)
    return done.returncode, done.stdout, done.stderr


async def test_members_that_were_imported_are_exported(program: Program, ledger: Ledger, tmp_path: Path) -> None:
    file, copy, faults = tmp_path / "members.csv", tmp_path / "copy.csv", tmp_path / "faults.csv"
    file.write_text(
        "identities,name,lot.wallet,lot.points\ncard:1 ext:a,Ada,points,5\ncard:2,@Bob,miles,5\ncard:3,@Cid,,\n"
    )

    dry = command(program, "import", str(file), "--kind", "members", "--dry-run")
    members_after_dry = await ledger.count("member")
    taken = command(program, "import", str(file), "--kind", "members", "--faults", str(faults))
    written = command(program, "export", "members", "--output", str(copy))
    balances = command(program, "export", "balances", "--format", "ndjson")

    assert (dry[0], members_after_dry) == (1, 0)
    assert dry[1] == (
        "line 3: wallet_not_found at /lots/0/wallet: The program has no such wallet\n"
        "3 rows: 2 would be stored, 0 would be changed, 0 unchanged, 1 faulty\n"
    )
    assert taken[:2] == (1, "3 rows: 2 stored, 0 changed, 0 unchanged, 1 faulty\n")
    assert faults.read_text() == (
        "line,code,pointer,message\n3,wallet_not_found,/lots/0/wallet,The program has no such wallet\n"
    )
    assert written == (0, "", "")
    with copy.open(newline="") as exported:
        rows = [(row["identities"], row["name"]) for row in csv.DictReader(exported)]
    assert rows == [("card:1 ext:a", "Ada"), ("card:3", "'@Cid")]
    assert json.loads(balances[1])["available"] == 5


def test_what_cannot_be_imported_or_exported_is_said_in_one_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("identities\n")
    (tmp_path / "good.csv").write_text("identities\ncard:1\n")
    said = [
        command(program, "import", str(tmp_path / "none.csv"), "--kind", "members"),
        command(program, "import", str(tmp_path / "file.txt"), "--kind", "members"),
        command(program, "import", str(tmp_path / "good.csv"), "--kind", "shoes"),
        command(program, "export", "shoes"),
    ]

    assert [(code, error.count("\n")) for code, _, error in said] == [(2, 1)] * 4
    assert [error for _, _, error in said[1:]] == [
        "loyalty: the name of the file does not tell its form; name a --format\n",
        "loyalty: --kind must be one of members lots orders\n",
        "loyalty: there is no export of shoes; there are members, balances, postings, operations\n",
    ]
    assert command(program, "import", str(tmp_path / "good.csv"), "--kind", "members")[0] == 0
