"""An order and its member as rules see them: every fact by name, and measures of line selections, each taken once."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from loyalty_engine.core.program.attributes import PYTHON_TYPES
from loyalty_engine.core.program.facts import Fact
from loyalty_engine.core.rules.order import MemberSnapshot, Order, Receipt, Scalar
from loyalty_engine.core.rules.selections import Column, Measure, MeasureName


class OrderView:
    """What rules see of one order. Not shared between threads: it remembers what it measured.

    ``member`` is None for a guest. ``net_amounts`` are the line amounts, in the order of the lines, without what
    points paid; None when points paid nothing.
    """

    __slots__ = ("_columns", "_measured", "_numbers", "lines", "member", "net_total", "order", "total")

    def __init__(self, order: Order, member: MemberSnapshot | None, net_amounts: tuple[int, ...] | None = None) -> None:
        assert net_amounts is None or len(net_amounts) == len(order.lines)
        amounts = [line.amount for line in order.lines]
        self.order = order
        self.member = member
        self.lines = order.lines
        self.total = sum(amounts)
        self.net_total = self.total if net_amounts is None else sum(net_amounts)
        self._numbers: dict[MeasureName, Sequence[int]] = {
            "amount": amounts,
            "net": amounts if net_amounts is None else net_amounts,
        }
        self._columns: dict[str, list[Scalar | None]] = {}
        self._measured: dict[str, int] = {}

    def take(self, measure: Measure) -> int:
        """Return the number that ``measure`` asks for; 0 when no line is selected."""
        found = self._measured.get(measure.key)
        if found is None:
            found = self._measured[measure.key] = self._take(measure.name, measure.selection.columns)
        return found

    def _take(self, name: MeasureName, columns: Sequence[tuple[Column, frozenset[Scalar]]]) -> int:
        if len(columns) != 1:
            numbers = self._numbers_of(name)
            return sum([numbers[position] for position in self._positions_of(columns)])
        column, wanted = columns[0]  # by far the most common case, in one pass
        values = self._values_of(column)
        if wanted.isdisjoint(values):
            return 0
        numbers = self._numbers_of(name)
        return sum([number for number, value in zip(numbers, values, strict=True) if value in wanted])

    def _positions_of(self, columns: Sequence[tuple[Column, frozenset[Scalar]]]) -> Sequence[int]:
        positions: Sequence[int] = range(len(self.lines))
        for column, wanted in columns:
            values = self._values_of(column)
            if wanted.isdisjoint(values):
                return ()
            positions = [position for position in positions if values[position] in wanted]
        return positions

    def _values_of(self, column: Column) -> list[Scalar | None]:
        values = self._columns.get(column.key)
        if values is None:
            values = self._columns[column.key] = list(map(column.read, self.lines))
        return values

    def _numbers_of(self, name: MeasureName) -> Sequence[int]:
        numbers = self._numbers.get(name)
        if numbers is None:
            numbers = [1 if name == "count" else line.quantity for line in self.lines]
            self._numbers[name] = numbers
        return numbers


Reader = Callable[[OrderView], Scalar | None]
"""Reads one fact; None means that it is absent."""


def reader_of(fact: Fact) -> Reader:
    """Return how ``fact`` is read from a view."""
    if fact.attribute is None:
        return READERS[fact.name]
    return _attribute_reader(fact, fact.attribute)


def _attribute_reader(fact: Fact, name: str) -> Reader:
    """A value of another type than declared (declarations change, old members keep theirs) counts as absent."""
    expected = PYTHON_TYPES[fact.type]
    carrier = attrgetter(fact.name.partition(".")[0])

    def read(view: OrderView) -> Scalar | None:
        carries = carrier(view)
        value: Scalar | None = None if carries is None else carries.attributes.get(name)
        return value if type(value) is expected else None

    return read


def _location(view: OrderView) -> str | None:
    order = view.order
    if order.location is None and isinstance(order.reference, Receipt):
        return order.reference.location
    return order.location


def _till(view: OrderView) -> str | None:
    reference = view.order.reference
    return reference.till if isinstance(reference, Receipt) else None


READERS: Final[Mapping[str, Reader]] = {
    "order.total": attrgetter("total"),
    "order.lines": lambda view: len(view.lines),
    "order.shipping": attrgetter("order.shipping"),
    "order.currency": attrgetter("order.currency"),
    "order.channel": attrgetter("order.channel"),
    "order.location": _location,
    "order.till": _till,
    "member.exists": lambda view: view.member is not None,
    "member.status": lambda view: None if view.member is None else view.member.status,
    "member.orders": lambda view: None if view.member is None else view.member.orders,
    "member.spend": lambda view: None if view.member is None else view.member.spend,
}
"""How each of the engine's own facts is read. ``program/facts.py`` says what they mean."""
