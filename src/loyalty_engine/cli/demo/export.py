"""The export: what each household has, as CSV that a spreadsheet can open without running anything."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

COLUMNS: Final = ("household", "member_id", "wallet", "balance")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def export(
    path: Path, wallets: Sequence[str], members: Mapping[int, str], balances: Mapping[int, Mapping[str, int]]
) -> None:
    """Write one row per household and wallet, in that order. Raises ``OSError``."""
    rows = (
        (household, member_id, wallet, balances[household].get(wallet, 0))
        for household, member_id in sorted(members.items())
        for wallet in wallets
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, COLUMNS, rows)


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    """Write rows as CSV. A text that a spreadsheet would take for a formula gets an apostrophe; numbers are numbers."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
