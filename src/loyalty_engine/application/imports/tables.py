"""Tables: CSV with a header line, whose columns are the paths of the fields in the JSON form of the same row.

A row is one line: a quoted cell may hold separators and quotes, but no line break. So a quote too many spoils its own
line and no other. An empty cell is a field left out.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from loyalty_engine.application.imports.rows import Kind, RowError
from loyalty_engine.core.engine.ruleset import AttributeTypes

Cell = Literal["text", "whole", "names"]
"""What a cell holds: text as it is, a whole number, or names with spaces between them."""

_LOT: Final[Mapping[str, Cell]] = {
    "wallet": "text",
    "points": "whole",
    "earned_at": "text",
    "expires_at": "text",
    "cost_micros": "whole",
    "funder": "text",
}
_LINE: Final[Mapping[str, Cell]] = {
    "id": "text",
    "amount": "whole",
    "quantity": "text",
    "sku": "text",
    "category": "text",
    "brand": "text",
    "unit": "text",
    "tax": "whole",
    "unit_price": "whole",
}
_COLUMNS: Final[Mapping[Kind, Mapping[str, Cell]]] = {
    "members": {
        "identities": "names",
        "name": "text",
        "birthday": "text",
        "enrolled_at": "text",
        **{f"lot.{name}": cell for name, cell in _LOT.items()},
    },
    "lots": {"member": "text", "reference": "text", **_LOT},
    "orders": {
        "order_id": "text",
        **{f"receipt.{name}": "text" for name in ("location", "till", "business_date", "number", "type")},
        **dict.fromkeys(("member", "placed_at", "currency", "channel", "location"), "text"),
        "shipping": "whole",
        **{f"line.{name}": cell for name, cell in _LINE.items()},
    },
    "codes": {"code": "text"},
}
_NEEDED: Final[Mapping[Kind, Sequence[str]]] = {
    "members": ("identities",),
    "lots": ("member", "wallet", "points", "reference"),
    "orders": ("placed_at", "currency", "line.amount"),
    "codes": ("code",),
}
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: where its value goes, and how it is read."""

    path: tuple[str, ...]
    cell: Cell | Literal["boolean"]

    def read(self, text: str) -> object:
        """Return the value of a cell; what does not look like its kind stays text, which its form refuses."""
        match self.cell:
            case "names":
                return text.split()
            case "whole":
                return int(text) if _WHOLE.fullmatch(text) else text
            case "boolean":
                return _BOOLEANS.get(text, text)
            case _:
                return text


class Table:
    """A header, by which lines are read."""

    def __init__(self, kind: Kind, header: str, separator: str, attributes: Mapping[str, AttributeTypes]) -> None:
        """``attributes`` are the declared ones, by the path under which they stand.

        Raises :class:`RowError` when a column is missing, unknown or there twice.
        """
        self._separator = separator
        names = _split(header, separator)
        known = {name: _Column(tuple(name.split(".")), cell) for name, cell in _COLUMNS[kind].items()}
        for path, declared in attributes.items():
            known |= {
                f"{path}.{name}": _Column((*path.split("."), name), _CELLS.get(kind_of, "text"))
                for name, kind_of in declared.items()
            }
        for name in names:
            if name not in known:
                raise RowError(
                    "column_unknown", f"the header has a column {name[:64]!r} that {kind} do not have", name[:64]
                )
            if names.count(name) > 1:
                raise RowError("column_doubled", f"the header has the column {name} twice", name)
        for name in _NEEDED[kind]:
            if name not in names:
                raise RowError("column_missing", f"the header has no column {name}", name)
        self._columns = [known[name] for name in names]

    def read(self, line: str) -> dict[str, Any]:
        """Return a line as the object that its JSON form would be; raise :class:`RowError`."""
        cells = _split(line, self._separator)
        if len(cells) != len(self._columns):
            raise RowError("cells_mismatch", f"has {len(cells)} cells, the header {len(self._columns)}")
        value: dict[str, Any] = {}
        for column, text in zip(self._columns, cells, strict=True):
            if text:
                *around, name = column.path
                inner = value
                for step in around:
                    inner = inner.setdefault(step, {})
                inner[name] = column.read(text)
        return value


_CELLS: Final[Mapping[str, Literal["whole", "boolean"]]] = {"integer": "whole", "boolean": "boolean"}


def _split(line: str, separator: str) -> list[str]:
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        raise RowError(
            "quotes_unbalanced", "a quote is not closed before the line ends, or stands amid a cell"
        ) from None
    return rows[0] if rows else []
