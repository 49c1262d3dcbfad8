"""Exports as text: rows as CSV for spreadsheets and as NDJSON for programs.

Ids and instants look as everywhere in the API. A cell of CSV that a spreadsheet would take for a formula gets an
apostrophe in front, unless it is a plain number; NDJSON is exact.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

import orjson

from loyalty_engine.core.kernel.ids import Prefix, show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.exports import Kind

Format = Literal["csv", "ndjson"]
Json = Mapping[str, Any]
Rows = Sequence[Json]
Page = TypeVar("Page")

MEDIA_TYPES: Final[Mapping[Format, str]] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

_IDS: Final[Mapping[str, Prefix]] = {
    "member_id": "mem",
    "other_member_id": "mem",
    "merged_into": "mem",
    "operation_id": "op",
    "reverses": "op",
    "order_id": "ord",
    "lot_id": "lot",
}
_OWN_IDS: Final[Mapping[Kind, Prefix]] = {"members": "mem", "balances": "mem", "postings": "pst", "operations": "op"}
_COLUMNS: Final[Mapping[Kind, Sequence[str]]] = {
    "members": (
        *("id", "status", "merged_into", "identities", "name", "birthday", "enrolled_at", "booked_at"),
        *("orders", "spend", "first_order_at", "last_order_at"),
    ),
    "balances": ("member_id", "wallet", "available", "pending", "held", "debt", "expires_at"),
    "postings": (
        *("id", "operation_id", "member_id", "seq", "wallet", "source", "destination", "amount", "lot_id"),
        *("available", "pending", "held", "debt"),
    ),
    "operations": (
        *("id", "kind", "member_id", "other_member_id", "order_id", "client_id", "location", "till", "effective_at"),
        *("booked_at", "revision", "reverses"),
    ),
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?", re.ASCII)


def quote_cell(value: object) -> object:
    """Return a cell as it goes into CSV: what would start a formula becomes text."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


async def write_export(
    pages: AsyncIterator[Rows], kind: Kind, file_format: Format, attributes: Iterable[str]
) -> AsyncGenerator[bytes, None]:
    """Yield the text of an export; ``attributes`` are those of members that get a column in CSV."""
    if file_format == "ndjson":
        async for rows in pages:
            yield b"".join(orjson.dumps(show_row(kind, row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        return
    names = tuple(attributes) if kind == "members" else ()
    header: Sequence[str] | None = (*_COLUMNS[kind], *(f"attributes.{name}" for name in names))
    async for rows in pages:
        yield write_table(header, (_cells(kind, show_row(kind, row), names) for row in rows))
        header = None


def write_table(header: Sequence[str] | None, rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows as CSV, with the header in front if there is one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if header is not None:
        writer.writerow(header)
    writer.writerows([quote_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def show_row(kind: Kind, row: Json) -> dict[str, Any]:
    """Return a row as JSON values, as the API shows them."""
    shown = {name: _show(row[name], _IDS.get(name) or _OWN_IDS[kind]) for name in _COLUMNS[kind]}
    if kind == "members":
        shown["attributes"] = orjson.loads(row["attributes"] or "{}")
    return shown


def _show(value: Any, prefix: Prefix) -> Any:  # noqa: ANN401 - any value of a row
    match value:
        case UUID():
            return show_id(prefix, value)
        case datetime():
            return show_instant(value)
        case date():
            return value.isoformat()
        case _:
            return value


def _cells(kind: Kind, shown: Json, attributes: Sequence[str]) -> Iterable[object]:
    for name in _COLUMNS[kind]:
        value = shown[name]
        yield " ".join(value) if isinstance(value, list) else value
    for name in attributes:
        value = shown["attributes"].get(name)
        yield str(value).lower() if isinstance(value, bool) else value


async def first_of(pages: AsyncGenerator[Page, None]) -> AsyncGenerator[Page, None]:
    """Read the first page now, so that what is wrong from the start is still an answer; return all pages."""
    first = await anext(pages)

    async def chained() -> AsyncGenerator[Page, None]:
        yield first
        async for rows in pages:
            yield rows

    return chained()
