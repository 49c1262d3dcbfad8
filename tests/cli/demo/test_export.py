import io
from pathlib import Path

import pytest

from loyalty_engine.cli.demo.export import export, write_csv


def test_each_household_has_a_row_per_wallet_in_order(tmp_path: Path) -> None:
    members = {1228: "mem_b", 900: "mem_a"}
    balances = {900: {"points": 170}, 1228: {"points": -5, "cashback": 20}}
    export(tmp_path / "points.csv", ["points", "cashback"], members, balances)
    assert (tmp_path / "points.csv").read_bytes() == (
        b"household,member_id,wallet,balance\n"
        b"900,mem_a,points,170\n"
        b"900,mem_a,cashback,0\n"
        b"1228,mem_b,points,-5\n"
        b"1228,mem_b,cashback,20\n"
    )


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-2", "'-2"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("a=b", "a=b"),
        (-2, "-2"),
    ],
)
def test_no_text_is_a_formula_and_every_number_is_one(cell: str | int, written: str) -> None:
    file = io.StringIO(newline="")
    write_csv(file, ["name"], [[cell]])
    assert file.getvalue() == f"name\n{written}\n"
