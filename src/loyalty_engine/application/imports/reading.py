"""Reading: from the bytes of a file to its rows, each with its line, from any place on that was reached before."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from loyalty_engine.application.imports.lines import MAX_BYTES, Line, Lines, Place
from loyalty_engine.application.imports.rows import Fault, Forms, Kind, Row, RowError
from loyalty_engine.application.imports.tables import Table
from loyalty_engine.core.engine.ruleset import AttributeTypes, Ruleset

Format = Literal["csv", "ndjson"]
Source = Callable[[int], AsyncGenerator[bytes, None]]
"""Gives the bytes of a file from an offset on, in pieces."""

_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_MOST_LINES: Final = 1001
"""Lines of goods that are kept of an order: one more than any may have, so that it is refused for that."""


class FileError(Exception):
    """The whole file is refused before its first row."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row, or why it is none, with the line where it begins. ``after`` is where to go on once it is done."""

    line: int
    row: Row | Fault
    after: Place


class Reader:
    """Reads one file."""

    def __init__(self, kind: Kind, file_format: Format, separator: str, *, forms: Forms, ruleset: Ruleset) -> None:
        self._kind = kind
        self._format = file_format
        self._separator = separator
        self._forms = forms
        self._attributes = attributes_of(kind, ruleset)

    async def read(self, source: Source, start: Place) -> AsyncGenerator[Numbered, None]:
        """Yield all rows behind ``start``; raise :class:`FileError` when the file cannot be one of its kind."""
        table = None
        if self._format == "csv":
            table, first = await self._read_header(source)
            start = max(start, first, key=lambda place: place.offset)
        rows = _Rows(self._kind, table, self._forms)
        async for line in _lines(source, start):
            for numbered in rows.feed(line):
                yield numbered
        for numbered in rows.finish():
            yield numbered

    async def check(self, beginning: bytes) -> None:
        """Raise :class:`FileError` when a file that begins so cannot be one of its kind."""

        async def source(_: int) -> AsyncGenerator[bytes, None]:
            yield beginning

        if self._format == "csv":
            await self._read_header(source)
            return
        async for _ in _lines(source, Place()):
            return

    async def _read_header(self, source: Source) -> tuple[Table, Place]:
        async for line in _lines(source, Place()):
            try:
                text = _text_of(line)
                return Table(self._kind, text, self._separator, self._attributes), line.after
            except RowError as error:
                raise FileError(error.at(line.number)) from None
        raise AssertionError("an empty file has no lines and is refused")


def attributes_of(kind: Kind, ruleset: Ruleset) -> Mapping[str, AttributeTypes]:
    """Return the attributes that rows may carry, by the path under which they stand."""
    match kind:
        case "members":
            return {"attributes": ruleset.member_attributes}
        case "orders":
            return {"attributes": ruleset.order_attributes, "line.attributes": ruleset.line_attributes}
        case _:
            return {}


async def _lines(source: Source, start: Place) -> AsyncGenerator[Line, None]:
    """Yield the lines of a file; raise :class:`FileError` for one that is empty or in another encoding."""
    lines, is_empty = Lines(start), start.offset == 0
    async for chunk in source(start.offset):
        if is_empty and chunk.startswith(_FOREIGN_BOMS):
            raise FileError(Fault(1, "encoding_wrong", "", "line 1, byte 1: the file is UTF-16, and must be UTF-8"))
        is_empty = is_empty and not chunk
        for line in lines.feed(chunk):
            yield line
    if is_empty:
        raise FileError(Fault(1, "file_empty", "", "the file is empty"))
    for line in lines.finish():
        yield line


def _text_of(line: Line) -> str:
    """Return a line as text; raise :class:`RowError`."""
    return _bytes_of(line).decode()


def _bytes_of(line: Line) -> bytes:
    raw = line.raw
    if raw is None:
        raise RowError("line_too_long", f"is longer than {MAX_BYTES} bytes")
    if line.number == 1:
        raw = raw.removeprefix(_BOM)
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise RowError("encoding_wrong", f"line {line.number}, byte {error.start + 1}: not UTF-8") from None
    if b"\x00" in raw:
        raise RowError("unstorable_text", "holds NUL")
    return raw


class _Rows:
    """Makes rows of lines. Lines of goods that follow each other under one number are one order."""

    def __init__(self, kind: Kind, table: Table | None, forms: Forms) -> None:
        self._kind = kind
        self._table = table
        self._forms = forms
        self._order: _OpenOrder | None = None
        self._is_torn = False

    def feed(self, line: Line) -> Iterator[Numbered]:
        """Yield what this line completes."""
        if line.raw is not None and not line.raw.strip():
            return
        try:
            if self._table is None:
                yield Numbered(line.number, self._forms.read_json(self._kind, _bytes_of(line)), line.after)
                return
            value = self._table.read(_text_of(line))
        except RowError as error:
            if self._order is not None:
                self._order.is_torn = True
            yield from self.finish()
            self._is_torn = True
            # Whoever goes on from here must see again that the next order may have lost a line.
            after = line.before if self._kind == "orders" else line.after
            yield Numbered(line.number, error.at(line.number), after)
            return
        if self._kind == "orders":
            yield from self._add_goods(line, value)
        else:
            yield self._read(line.number, _with_lots(value) if self._kind == "members" else value, line.after)

    def finish(self) -> Iterator[Numbered]:
        """Yield the order that is still open."""
        order, self._order = self._order, None
        if order is None:
            return
        try:
            yield self._read(order.line, order.close(), order.after)
        except RowError as error:
            yield Numbered(order.line, error.at(order.line), order.after)

    def _add_goods(self, line: Line, value: dict[str, Any]) -> Iterator[Numbered]:
        goods = value.pop("line", {})
        if self._order is not None and self._order.number != _number_of(value):
            yield from self.finish()
        if self._order is None:
            self._order = _OpenOrder(line.number, _number_of(value), value, line.after, is_torn=self._is_torn)
            self._is_torn = False
        self._order.add(value, goods, line.after)

    def _read(self, number: int, value: Mapping[str, Any], after: Place) -> Numbered:
        try:
            return Numbered(number, self._forms.read_value(self._kind, value), after)
        except RowError as error:
            return Numbered(number, error.at(number), after)


class _OpenOrder:
    """An order whose lines of goods are still being read. It is torn when a line beside it could not be read at all."""

    def __init__(self, line: int, number: object, head: dict[str, Any], after: Place, *, is_torn: bool) -> None:
        self.line = line
        self.number = number
        self.after = after
        self.is_torn = is_torn
        self._head = head
        self._goods: list[dict[str, Any]] = []
        self._differs = False

    def add(self, head: dict[str, Any], goods: dict[str, Any], after: Place) -> None:
        """Add a line of goods, with what it says of the order."""
        self._differs = self._differs or head != self._head
        self.after = after
        if len(self._goods) < _MOST_LINES:
            self._goods.append(goods)

    def close(self) -> dict[str, Any]:
        """Return the order as its JSON form has it; raise :class:`RowError`."""
        if self.is_torn:
            raise RowError("order_torn", "a line beside this order could not be read, and may belong to it")
        if self._differs:
            raise RowError("order_rows_differ", "the lines of this order do not agree about it")
        return {**self._head, "lines": self._goods}


def _number_of(value: Mapping[str, Any]) -> object:
    return value.get("order_id"), value.get("receipt")


def _with_lots(value: dict[str, Any]) -> dict[str, Any]:
    lot = value.pop("lot", None)
    return value if lot is None else {**value, "lots": [lot]}
