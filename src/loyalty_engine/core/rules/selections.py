"""Line selections and measures of the lines they mean, compiled to closures over lines grouped by field.

Programs have many rules that look at the same field, each at other values of it: a category, a brand. So the lines of
an order are grouped once per field, and a selection finds its lines, mostly none, by looking values up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

from loyalty_engine.core.program.attributes import PYTHON_TYPES, Scalar, ValueType, read_value
from loyalty_engine.core.program.conditions import LineFilter, LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Line, line_reader

Groups = Mapping[Scalar | None, Sequence[Line]]
"""Lines by the value of one field; None where a line has none."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a line: a name that is unique among the fields of one program, and how it is read."""

    name: str
    read: Callable[[Line], Scalar | None]


class GroupedLines:
    """The lines of one order; ``groups`` holds them by every field that a selection has asked for, by its name.

    ``shipping`` is what delivery cost, where it counts.
    """

    __slots__ = ("_total", "groups", "lines", "shipping")

    def __init__(self, lines: Sequence[Line], shipping: int = 0, total: int | None = None) -> None:
        self.lines = lines
        self.groups: dict[str, Groups] = {}
        self.shipping = shipping
        self._total = total

    @property
    def total(self) -> int:
        """The sum of the lines and the shipping, in minor units."""
        if self._total is None:
            self._total = sum([line.amount for line in self.lines], self.shipping)
        return self._total

    def group_by(self, field: Field) -> Groups:
        """Group the lines by ``field`` and return the groups. To be called once per field."""
        read = field.read
        groups: dict[Scalar | None, list[Line]] = {}
        for line in self.lines:
            value = read(line)
            if value in groups:
                groups[value].append(line)
            else:
                groups[value] = [line]
        self.groups[field.name] = groups
        return groups


Places = Callable[[Sequence[Line]], Sequence[int]]
"""Returns the places of the lines that are meant, in ascending order."""

Pick = Callable[[GroupedLines], Sequence[Line]]
"""Returns the lines that are meant, in no particular order."""

Measure = Callable[[GroupedLines], int]
"""Returns one number about the lines that are meant; 0 when there are none."""

MeasureName = Literal["count", "quantity", "amount"]
"""How many lines; millionths of quantity, whatever the units; minor units."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are meant. ``written`` is the selection as the document has it.

    ``key`` names a field and the values of which a line must have one to be meant, None when any line may be: an order
    without such a line has none that are meant. ``places`` tells which of some lines are meant without grouping them, None
    where that takes more than one look at each.
    """

    written: Mapping[str, Any]
    pick: Pick
    key: "tuple[Field, frozenset[Scalar]] | None"
    places: Places | None


def compile_selection(selection: LineSelection, vocabulary: Vocabulary) -> Selection:
    """Return the compiled form of a selection that ``check_program`` found no error in.

    A line must satisfy every field given; none given: all lines.
    """
    tests = _tests(selection, vocabulary)
    pick = _pick(tests)
    if selection.except_ is not None:
        pick = _without(pick, _tests(selection.except_, vocabulary))
    shown = selection.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    places = _places(*tests[0]) if len(tests) == 1 and selection.except_ is None else None
    return Selection(shown, pick, tests[0] if tests else None, places)


def _tests(selection: LineFilter, vocabulary: Vocabulary) -> list[tuple[Field, frozenset[Scalar]]]:
    """Return what a line must satisfy, the most telling field first."""
    tests: list[tuple[Field, frozenset[Scalar]]] = [
        (field, frozenset(wanted)) for field in _FIELDS if (wanted := getattr(selection, field.name)) is not None
    ]
    for name, choice in selection.attributes.items():
        value_type = vocabulary.line_attributes[name]
        written = choice if isinstance(choice, tuple) else (choice,)
        tests.append((_attribute(name, value_type), frozenset(read_value(value_type, value) for value in written)))
    return tests


def measure_of(selection: Selection, name: MeasureName) -> Measure:
    """Return the measure of that name over the selected lines."""
    pick = selection.pick
    match name:
        case "count":
            return lambda lines: len(pick(lines))
        case "quantity":
            return lambda lines: sum([line.quantity for line in picked]) if (picked := pick(lines)) else 0
        case "amount":
            return lambda lines: sum([line.amount for line in picked]) if (picked := pick(lines)) else 0


_FIELDS: Final = tuple(Field(name, line_reader(name)) for name in ("sku", "category", "brand", "unit"))


def sum_of(selection: Selection, name: str, value_type: ValueType) -> Measure:
    """Return the sum of a number that lines carry as an attribute; lines without it count as 0. Decimals in millionths."""
    pick, read = selection.pick, _attribute(name, value_type).read
    return lambda lines: sum([int(read(line) or 0) for line in pick(lines)])


def _attribute(name: str, value_type: ValueType) -> Field:
    """A value of another type than declared counts as absent: 1 is not true."""
    expected = PYTHON_TYPES[value_type]

    def read(line: Line) -> Scalar | None:
        value = line.attributes.get(name)
        return value if type(value) is expected else None

    return Field(f"attributes.{name}:{value_type}", read)


def _pick(tests: list[tuple[Field, frozenset[Scalar]]]) -> Pick:
    if not tests:
        return attrgetter("lines")
    (field, wanted), *others = tests
    first = _pick_one(field, *wanted) if len(wanted) == 1 else _pick_any(field, wanted)
    if not others:
        return first
    return lambda lines: [line for line in first(lines) if all(field.read(line) in wanted for field, wanted in others)]


def _places(field: Field, wanted: frozenset[Scalar]) -> Places:
    read = field.read
    return lambda lines: [place for place, value in enumerate(map(read, lines)) if value in wanted]


def _without(pick: Pick, tests: list[tuple[Field, frozenset[Scalar]]]) -> Pick:
    return lambda lines: [
        line for line in pick(lines) if not all(field.read(line) in wanted for field, wanted in tests)
    ]


def _pick_one(field: Field, wanted: Scalar) -> Pick:
    name = field.name
    return lambda lines: (lines.groups.get(name) or lines.group_by(field)).get(wanted, ())


def _pick_any(field: Field, wanted: frozenset[Scalar]) -> Pick:
    def pick(lines: GroupedLines) -> Sequence[Line]:
        groups = lines.groups.get(field.name) or lines.group_by(field)
        if wanted.isdisjoint(groups):
            return ()
        return [line for value, group in groups.items() if value in wanted for line in group]

    return pick
