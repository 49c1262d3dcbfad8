"""The registry of facts: every name a condition may compare, with its type and its meaning.

How a fact is read from an order stands in ``rules/view.py``; a test proves that both name the same facts.

An absent fact (a guest has no member facts, a receipt without a channel has no ``order.channel``) is not zero and not
empty: every comparison with it is false, except ``is_not``, ``not_in`` and ``exists: false``, which are true.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from loyalty_engine.core.program.attributes import Attributes, ValueType

Operator = Literal["is", "is_not", "in", "not_in", "at_least", "more_than", "at_most", "less_than", "exists"]

_EQUALITY: Final[tuple[Operator, ...]] = ("is", "is_not")
_MEMBERSHIP: Final[tuple[Operator, ...]] = ("in", "not_in")
_ORDERING: Final[tuple[Operator, ...]] = ("at_least", "more_than", "at_most", "less_than")
_ALL: Final[tuple[Operator, ...]] = (*_EQUALITY, *_MEMBERSHIP, *_ORDERING, "exists")

OPERATORS: Final[Mapping[ValueType, tuple[Operator, ...]]] = {
    "text": (*_EQUALITY, *_MEMBERSHIP, "exists"),
    "boolean": (*_EQUALITY, "exists"),
    "integer": _ALL,
    "decimal": _ALL,
    "date": _ALL,
}
"""Which operators fit which type. Texts have no order, and a list of booleans says nothing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name in the document, its type and what it means.

    ``options`` closes the set of possible texts. ``personal`` facts never show their actual value in a reason.
    ``attribute`` is the declared attribute behind the fact, or None for a fact of the engine's own.
    """

    name: str
    type: ValueType
    doc: str
    options: tuple[str, ...] = ()
    personal: bool = False
    attribute: str | None = None


FACTS: Final = (
    Fact("order.total", "integer", "Sum of the lines before our discounts, without shipping, in minor units."),
    Fact("order.lines", "integer", "How many lines the order has."),
    Fact("order.shipping", "integer", "What delivery costs, in minor units."),
    Fact("order.currency", "text", "ISO 4217 code of the order's amounts."),
    Fact("order.channel", "text", "Sales channel that the shop or till names."),
    Fact("order.location", "text", "Store; for a receipt without one, the store of its till."),
    Fact("order.till", "text", "Till that wrote the receipt. Shop orders have none."),
    Fact("member.exists", "boolean", "False for a guest. The one member fact that guests have."),
    Fact("member.status", "text", "Status of the member.", options=("active", "blocked")),
    Fact("member.orders", "integer", "Orders accepted before this one."),
    Fact("member.spend", "integer", "Minor units paid for goods before this order, less what points paid."),
)
"""What every program knows, in the order in which documentation lists it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name that the conditions of one program may use: facts by name, types of line attributes by name."""

    facts: Mapping[str, Fact]
    line_attributes: Mapping[str, ValueType]

    @classmethod
    def of(cls, attributes: Attributes) -> "Vocabulary":
        """Return the engine's own facts together with the program's declared attributes."""
        facts = {fact.name: fact for fact in (*FACTS, *_declared(attributes))}
        return cls(facts, {name: definition.type for name, definition in attributes.line.items()})


def _declared(attributes: Attributes) -> Iterator[Fact]:
    for name, definition in attributes.order.items():
        doc = definition.description or "Declared attribute of the order."
        yield Fact(f"order.attributes.{name}", definition.type, doc, attribute=name)
    for name, definition in attributes.member.items():
        doc = definition.description or "Declared attribute of the member."
        yield Fact(f"member.attributes.{name}", definition.type, doc, personal=True, attribute=name)
