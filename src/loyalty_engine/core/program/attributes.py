"""What a program declares about its members, orders and lines beyond what the engine knows of its own.

An attribute must be declared before an order may carry it or a condition may ask for it, so that a typo is a fault
when the document is published and not a rule that never fires.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal, assert_never

from pydantic import Field

from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.program.fields import Entry, Key, Text

MAX_ATTRIBUTES: Final = 200

ValueType = Literal["text", "integer", "boolean", "decimal", "date"]
"""``decimal`` is held in millionths inside the core; ``date`` stays ISO text, which sorts as the calendar does."""

Scalar = str | int | bool
"""A value inside the core. The same as ``rules.order.Scalar``, which stands above this room."""

PYTHON_TYPES: Final[Mapping[ValueType, type[Scalar]]] = {
    "text": str,
    "date": str,
    "boolean": bool,
    "integer": int,
    "decimal": int,
}
"""The exact type that a value of each kind has inside the core."""


class AttributeDefinition(Entry):
    """One declared attribute."""

    type: ValueType = Field(
        description='What it holds. Decimals are written as text ("1.25"), dates as "2026-05-31".', examples=["text"]
    )
    description: Text | None = Field(
        default=None, description="What it means, for the people who write rules.", examples=["Eats no animal products"]
    )


Declared = Annotated[Mapping[Key, AttributeDefinition], Field(max_length=MAX_ATTRIBUTES)]


class Attributes(Entry):
    """All declared attributes, by what carries them."""

    member: Declared = Field(
        default_factory=dict, description="Attributes of a member.", examples=[{"vegan": {"type": "boolean"}}]
    )
    order: Declared = Field(
        default_factory=dict, description="Attributes of an order.", examples=[{"delivery_slot": {"type": "text"}}]
    )
    line: Declared = Field(
        default_factory=dict, description="Attributes of an order line.", examples=[{"own_cup": {"type": "boolean"}}]
    )


def read_value(value_type: ValueType, written: Scalar) -> Scalar:
    """Return ``written`` as the core holds it; raise ``ValueError`` when it does not fit the type.

    Decimals ("1.25" or 2) become millionths. Dates must exist in the calendar and stay ``YYYY-MM-DD`` text.
    """
    match value_type:
        case "text":
            fits = isinstance(written, str)
        case "boolean":
            fits = isinstance(written, bool)
        case "integer":
            fits = isinstance(written, int) and not isinstance(written, bool)
        case "date":
            fits = isinstance(written, str) and date.fromisoformat(written).isoformat() == written
        case "decimal":
            return _read_decimal(written)
        case _:
            assert_never(value_type)
    if not fits:
        raise ValueError(value_type)
    return written


def _read_decimal(written: Scalar) -> int:
    match written:
        case str():
            return parse_quantity(written)
        case bool():
            raise ValueError(written)
        case int():
            return parse_quantity(str(written))
