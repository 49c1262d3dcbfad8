"""Line selections compiled to filters of lines, and measures of the lines that remain."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from loyalty_engine.core.program.attributes import PYTHON_TYPES, Scalar, ValueType, read_value
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Line

Filter = Callable[[Sequence[Line]], Sequence[Line]]
"""Returns the lines that are meant, in their order."""

MeasureName = Literal["count", "quantity", "amount"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are meant. ``written`` is the selection as the document has it, ``key`` the same as one text."""

    key: str
    written: Mapping[str, Any]
    pick: Filter


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about lines: how many, millionths of quantity whatever the units, or minor units.

    Equal keys mean equal measures, so that a view takes each of them once, whichever rules ask.
    """

    key: str
    of: Callable[[Sequence[Line]], int]


def compile_selection(selection: LineSelection, vocabulary: Vocabulary) -> Selection:
    """Return the filter of a selection that ``check_program`` found no error in.

    A line must satisfy every field given; none given: all lines.
    """
    filters = [
        make(frozenset(wanted)) for name, make in _FILTERS.items() if (wanted := getattr(selection, name)) is not None
    ]
    for name, choice in selection.attributes.items():
        written = choice if isinstance(choice, tuple) else (choice,)
        filters.append(_by_attribute(name, vocabulary.line_attributes[name], written))
    shown = selection.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Selection(json.dumps(shown, sort_keys=True), shown, _chain(filters))


def measure_of(selection: Selection, name: MeasureName) -> Measure:
    """Return the measure of that name over the selected lines; without a selected line it is 0."""
    pick = selection.pick
    key = f"{name} {selection.key}"
    match name:
        case "count":
            return Measure(key, lambda lines: len(pick(lines)))
        case "quantity":
            return Measure(key, lambda lines: sum([line.quantity for line in pick(lines)]))
        case "amount":
            return Measure(key, lambda lines: sum([line.amount for line in pick(lines)]))


# One filter a field, spelled out: reading the field by its name costs as much again as all the rest.
_FILTERS: Final[Mapping[str, Callable[[frozenset[str]], Filter]]] = {
    "sku": lambda wanted: lambda lines: [line for line in lines if line.sku in wanted],
    "category": lambda wanted: lambda lines: [line for line in lines if line.category in wanted],
    "brand": lambda wanted: lambda lines: [line for line in lines if line.brand in wanted],
    "unit": lambda wanted: lambda lines: [line for line in lines if line.unit in wanted],
}


def _by_attribute(name: str, value_type: ValueType, written: Sequence[Scalar]) -> Filter:
    """A value of another type than declared counts as absent: 1 is not true."""
    expected = PYTHON_TYPES[value_type]
    wanted = frozenset(read_value(value_type, value) for value in written)
    return lambda lines: [
        line for line in lines if (value := line.attributes.get(name)) in wanted and type(value) is expected
    ]


def _chain(filters: list[Filter]) -> Filter:
    if not filters:
        return lambda lines: lines
    first, *rest = filters
    if not rest:
        return first
    pick_rest = _chain(rest)
    return lambda lines: pick_rest(first(lines))
