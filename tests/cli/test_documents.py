import json
import re
from pathlib import Path

import pytest

from loyalty_engine.cli.documents import read_program_file
from loyalty_engine.cli.failures import FailureError

GOOD = """
version: 1
program: {name: Shop, currency: USD, time_zone: UTC}
wallets: [{key: points, unit: points}]
earning_rules: [{key: base, wallet: points, earn: {kind: fixed, points: 1}}]
"""


def fault_of(path: Path) -> str:
    with pytest.raises(FailureError, match=re.escape(str(path))) as raised:
        read_program_file(path)
    return str(raised.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("unit: points", "unit: stars", "/wallets/0/unit must be one of 'points', 'money' (line 4)"),
        ("name: Shop, ", "", "/program/name is required (line 3)"),
        ("wallet: points", "wallet: miles", "/earning_rules/0/wallet is not the key of a wallet (line 5)"),
        ("version: 1", "version: &v 1", "uses an anchor or alias; repeat the content (line 2, column 10)"),
        ("version: 1", "version: 1\nversion: 1", "A name stands twice in one object."),
        (GOOD, "version: [", "it is not YAML (line 2, column 1)"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "program.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    assert told in fault_of(path)


def test_many_faults_are_told_in_part(tmp_path: Path) -> None:
    path = tmp_path / "program.yaml"
    path.write_text(GOOD.replace("[{key: points, unit: points}]", json.dumps([{}] * 7)), encoding="utf-8")
    told = fault_of(path)
    assert told.count(" is required (line 4)") == 5
    assert told.endswith("; and 2 more")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "program.yaml") == "No such file or directory"


def test_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text(GOOD, encoding="utf-8")
    document = {
        "version": 1,
        "program": {"name": "Shop", "currency": "USD", "time_zone": "UTC"},
        "wallets": [{"key": "points", "unit": "points"}],
        "earning_rules": [{"key": "base", "wallet": "points", "earn": {"kind": "fixed", "points": 1}}],
    }
    (tmp_path / "program.json").write_text(json.dumps(document), encoding="utf-8")
    assert read_program_file(tmp_path / "program.yaml") == read_program_file(tmp_path / "program.json")
    (tmp_path / "program.json").write_text("{version: 1}", encoding="utf-8")
    assert fault_of(tmp_path / "program.json") == "The body is not JSON."
