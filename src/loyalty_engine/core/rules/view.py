"""An order and its member as rules see them: every fact by name, and measures of line selections, each taken once."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from loyalty_engine.core.program.attributes import PYTHON_TYPES
from loyalty_engine.core.program.facts import Fact
from loyalty_engine.core.rules.order import MemberSnapshot, Order, Receipt, Scalar
from loyalty_engine.core.rules.selections import Selection


class Totals(NamedTuple):
    """Measures of the selected lines. The quantity is in millionths, whatever the units; ``amount`` is in minor units
    before our discounts, ``net`` the same without what points paid.
    """

    lines: int
    quantity: int
    amount: int
    net: int


_NOTHING: Final = Totals(0, 0, 0, 0)


class OrderView:
    """What rules see of one order. Not shared between threads: it remembers what it measured.

    ``member`` is None for a guest. ``net_amounts`` are the line amounts, in the order of the lines, without what
    points paid; None when points paid nothing.
    """

    __slots__ = ("_columns", "_totals", "lines", "member", "net_amounts", "net_total", "order", "total")

    def __init__(self, order: Order, member: MemberSnapshot | None, net_amounts: tuple[int, ...] | None = None) -> None:
        assert net_amounts is None or len(net_amounts) == len(order.lines)
        self.order = order
        self.member = member
        self.lines = order.lines
        amounts = [line.amount for line in order.lines]
        self.total = sum(amounts)
        self.net_amounts = amounts if net_amounts is None else net_amounts
        self.net_total = self.total if net_amounts is None else sum(net_amounts)
        self._columns: dict[str, list[Scalar | None]] = {}
        self._totals: dict[str, Totals] = {}

    def totals_of(self, selection: Selection) -> Totals:
        """Return the measures of the selected lines; all are 0 when no line is selected."""
        totals = self._totals.get(selection.key)
        if totals is None:
            totals = self._totals[selection.key] = self._measure(self.positions_of(selection))
        return totals

    def positions_of(self, selection: Selection) -> Sequence[int]:
        """Return the positions of the selected lines, in the order of the lines."""
        positions: Sequence[int] = range(len(self.lines))
        for column, wanted in selection.columns:
            values = self._columns.get(column.key)
            if values is None:
                values = self._columns[column.key] = [column.read(line) for line in self.lines]
            if wanted.isdisjoint(values):
                return ()
            positions = [position for position in positions if values[position] in wanted]
        return positions

    def _measure(self, positions: Sequence[int]) -> Totals:
        if not positions:
            return _NOTHING
        quantity = amount = net = 0
        for position in positions:
            line = self.lines[position]
            quantity += line.quantity
            amount += line.amount
            net += self.net_amounts[position]
        return Totals(len(positions), quantity, amount, net)


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
