"""Line selections, and measures of them, compiled to columns of values and the values wanted in each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

from loyalty_engine.core.program.attributes import PYTHON_TYPES, Scalar, ValueType, read_value
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Line


@dataclass(frozen=True, slots=True)
class Column:
    """One value of every line, such as its category; None where a line has none. Equal keys mean equal columns."""

    key: str
    read: Callable[[Line], Scalar | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are meant: those with a wanted value in every column; without columns all lines.

    ``written`` is the selection as the document has it and ``key`` the same as one text, so that equal selections of
    different rules are measured once per order.
    """

    key: str
    written: Mapping[str, Any]
    columns: tuple[tuple[Column, frozenset[Scalar]], ...]


MeasureName = Literal["count", "quantity", "amount", "net"]
"""Number of lines; millionths of quantity, whatever the units; minor units before our discounts; the same without
what points paid."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about the selected lines. Equal keys mean equal measures, so a view takes each of them once."""

    key: str
    name: MeasureName
    selection: Selection

    @classmethod
    def of(cls, selection: Selection, name: MeasureName) -> "Measure":
        """Return the measure of that name over the selected lines."""
        return cls(f"{name} {selection.key}", name, selection)


_FIELDS: Final = tuple(Column(name, attrgetter(name)) for name in ("sku", "category", "brand", "unit"))


def compile_selection(selection: LineSelection, vocabulary: Vocabulary) -> Selection:
    """Return the compiled form of a selection that ``check_program`` found no error in."""
    columns: list[tuple[Column, frozenset[Scalar]]] = [
        (column, frozenset(wanted)) for column in _FIELDS if (wanted := getattr(selection, column.key)) is not None
    ]
    for name, choice in selection.attributes.items():
        value_type = vocabulary.line_attributes[name]
        written = choice if isinstance(choice, tuple) else (choice,)
        wanted = frozenset(read_value(value_type, value) for value in written)
        columns.append((_attribute_column(name, value_type), wanted))
    shown = selection.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Selection(json.dumps(shown, sort_keys=True), shown, tuple(columns))


def _attribute_column(name: str, value_type: ValueType) -> Column:
    """A value of another type than declared counts as absent: 1 is not true."""
    expected = PYTHON_TYPES[value_type]

    def read(line: Line) -> Scalar | None:
        value = line.attributes.get(name)
        return value if type(value) is expected else None

    return Column(f"attributes.{name}:{value_type}", read)
