"""An order and its member as rules see them: every fact by its name, and the lines, ready to be selected from."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Final

from loyalty_engine.core.program.attributes import PYTHON_TYPES
from loyalty_engine.core.program.facts import Fact
from loyalty_engine.core.rules.order import MemberSnapshot, Order, Receipt, Scalar
from loyalty_engine.core.rules.selections import GroupedLines


class OrderView:
    """What rules see of one order. Not shared between threads: it remembers how it grouped the lines.

    ``member`` is None for a guest. ``net_amounts`` are the line amounts, in the order of the lines, without what
    points paid; None when points paid nothing.
    """

    __slots__ = ("_net_lines", "lines", "member", "net_amounts", "net_total", "order", "total")

    def __init__(self, order: Order, member: MemberSnapshot | None, net_amounts: tuple[int, ...] | None = None) -> None:
        assert net_amounts is None or len(net_amounts) == len(order.lines)
        self.order = order
        self.member = member
        self.lines = GroupedLines(order.lines)
        self.net_amounts = net_amounts
        self.total = order.goods_total
        self.net_total = self.total if net_amounts is None else sum(net_amounts)
        self._net_lines: GroupedLines | None = self.lines if net_amounts is None else None

    @property
    def net_lines(self) -> GroupedLines:
        """The lines with their net amounts."""
        if self._net_lines is None:
            assert self.net_amounts is not None
            pairs = zip(self.order.lines, self.net_amounts, strict=True)
            self._net_lines = GroupedLines([replace(line, amount=net) for line, net in pairs])
        return self._net_lines


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
    "order.lines": lambda view: len(view.order.lines),
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
