"""The index of rules: which of thousands an order has to be shown at all.

Most rules ask for goods, or for a value such as a channel, that most orders do not have. Such a rule waits behind a
door that only orders with one of these values open; all others are never looked at, and why they gave nothing is
known without looking.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from loyalty_engine.core.program.conditions import AllOf, Condition, FactComparison, LinesComparison
from loyalty_engine.core.program.facts import Vocabulary, read_comparand
from loyalty_engine.core.rules.conditions import miss_without_lines, need_of_fact
from loyalty_engine.core.rules.order import Line, Scalar
from loyalty_engine.core.rules.reasons import Need, Unmet
from loyalty_engine.core.rules.selections import Field, Selection, compile_selection
from loyalty_engine.core.rules.view import FactValue, Reader, View, reader_of

_TELLING: Final = ("sku", "brand", "category")
"""Fields of lines by how few orders have a given value; then come attributes and facts, last the unit."""

Seen = Mapping[str, FactValue | None]
"""What the facts were by which the index found its rules. No personal ones: their misses never show them."""


@dataclass(frozen=True, slots=True, eq=False)
class LineDoor:
    """Opens when a line has one of ``values`` in ``field``. ``miss`` None: without such a line nothing is earned."""

    field: Field
    values: frozenset[Scalar]
    miss: Unmet | None


@dataclass(frozen=True, slots=True, eq=False)
class FactDoor:
    """Opens when a fact has one of ``values``."""

    need: Need
    read: Reader
    values: frozenset[Scalar]

    def miss(self, seen: Seen) -> Unmet:
        """Return why the condition fails where it stayed closed."""
        return Unmet(self.need, None if self.need.personal else seen.get(self.need.fact))


Door = LineDoor | FactDoor
Rule = TypeVar("Rule")


def find_door(when: Condition | None, computed_on: Selection | None, vocabulary: Vocabulary) -> Door | None:
    """Return what an order must have for a rule to give anything, the most telling there is; None when nothing is.

    ``computed_on`` are the lines on which the rule computes what it gives.
    """
    doors = list(_doors(when, vocabulary)) if when is not None else []
    if computed_on is not None and computed_on.key is not None:
        doors.append(LineDoor(*computed_on.key, None))
    return min(doors, key=_rank, default=None)


def _doors(condition: Condition, vocabulary: Vocabulary) -> Iterator[Door]:
    """Yield what must be there for the condition to hold."""
    match condition:
        case AllOf(children=children):
            for child in children:
                yield from _doors(child, vocabulary)
        case LinesComparison():
            key = compile_selection(condition.lines, vocabulary).key
            miss = miss_without_lines(condition, vocabulary)
            if key is not None and miss is not None:
                yield LineDoor(*key, miss)
        case FactComparison() if condition.operator in ("is", "in"):
            fact, comparand = vocabulary.facts[condition.fact], condition.comparand
            written = comparand if isinstance(comparand, tuple) else (comparand,)
            values = frozenset(read_comparand(fact.type, value) for value in written)
            yield FactDoor(need_of_fact(condition, vocabulary), reader_of(fact), values)
        case _:
            return


def _rank(door: Door) -> tuple[int, int]:
    """Return how telling a door is: less is more."""
    if isinstance(door, FactDoor):
        return len(_TELLING) + 1, len(door.values)
    name = door.field.name
    if name == "unit":
        return len(_TELLING) + 2, len(door.values)
    return _TELLING.index(name) if name in _TELLING else len(_TELLING), len(door.values)


class Index(Generic[Rule]):
    """Rules by their doors. ``find`` gives those that an order or activity opens, in the order of the document."""

    __slots__ = ("_always", "_by_fact", "_by_line", "_rules")

    def __init__(self, rules: Sequence[tuple[Rule, Door | None]]) -> None:
        self._rules = [rule for rule, _ in rules]
        self._always = [position for position, (_, door) in enumerate(rules) if door is None]
        self._by_line: list[tuple[Callable[[Line], Scalar | None], dict[Scalar | None, list[int]]]] = []
        self._by_fact: list[tuple[str, Reader, bool, dict[FactValue | None, list[int]]]] = []
        behind: dict[str, list[tuple[int, Door]]] = {}
        for position, (_, door) in enumerate(rules):
            if door is not None:
                behind.setdefault(_name_of(door), []).append((position, door))
        for doors in behind.values():
            self._add([position for position, _ in doors], [door for _, door in doors])

    def _add(self, positions: Sequence[int], doors: Sequence[Door]) -> None:
        """Enter all rules behind doors of one field or fact."""
        table: dict[Scalar | None, list[int]] = {}
        for position, door in zip(positions, doors, strict=True):
            for value in door.values:
                table.setdefault(value, []).append(position)
        match doors[0]:
            case LineDoor(field=field):
                self._by_line.append((field.read, table))
            case FactDoor(need=need, read=read):
                self._by_fact.append((need.fact, read, need.personal, table))  # type: ignore[arg-type]  # values are facts

    def find(self, view: View) -> tuple[list[Rule], Seen]:
        """Return the rules to look at, in the order in which the index got them, and the facts that were read to find them."""
        opened: set[int] = set()
        lines = view.lines.lines
        for read_line, by_value in self._by_line:
            for value in set(map(read_line, lines)):
                if value in by_value:
                    opened.update(by_value[value])
        seen: dict[str, FactValue | None] = {}
        for name, read, is_personal, by_fact in self._by_fact:
            actual = read(view)
            if actual in by_fact:
                opened.update(by_fact[actual])
            if not is_personal:
                seen[name] = actual
        positions: Sequence[int] = self._always
        if opened:
            opened.update(positions)
            positions = sorted(opened)
        rules = self._rules
        return [rules[position] for position in positions], seen


def _name_of(door: Door) -> str:
    """Return a name that is unique among fields and facts."""
    return f"lines.{door.field.name}" if isinstance(door, LineDoor) else door.need.fact
