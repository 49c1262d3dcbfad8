"""Declared attributes: a program says which it knows and of what type; anything else is refused, with the place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from loyalty_engine.core.engine.ruleset import AttributeTypes, Ruleset
from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.program.attributes import ValueType
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Line, Order, Scalar

_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)


def check_order_attributes(ruleset: Ruleset, order: Order) -> None:
    """Refuse undeclared or mistyped attributes of an order and its lines."""
    if order.attributes:
        check_attributes(ruleset.order_attributes, order.attributes, "/attributes")
    for position, line in enumerate(order.lines):
        if line.attributes:
            check_attributes(ruleset.line_attributes, line.attributes, f"/lines/{position}/attributes")


def check_attributes(declared: AttributeTypes, given: Mapping[str, Scalar | None], pointer: str) -> None:
    """Refuse the first attribute that is not declared or has another type; None (remove it) fits any type."""
    for name, value in given.items():
        expected = declared.get(name)
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if expected is None:
            refuse(RefusalCode.ATTRIBUTE_NOT_DECLARED, place, declared=sorted(declared))
        if value is not None and not _fits(expected, value):
            refuse(RefusalCode.ATTRIBUTE_TYPE_MISMATCH, place, expected=expected)


def with_decimals(ruleset: Ruleset, order: Order) -> Order:
    """Return the order as rules see it: decimal attributes, which travel as text, in millionths."""
    if not ruleset.has_decimals:
        return order
    attributes = read_decimals(ruleset.order_attributes, order.attributes)
    return replace(order, lines=_lines_with_decimals(ruleset, order.lines), attributes=attributes)


def history_with_decimals(ruleset: Ruleset, history: Sequence[PastOrder]) -> tuple[PastOrder, ...]:
    """Return earlier orders as rules see them, like :func:`with_decimals`."""
    if not (history and ruleset.has_decimals):
        return tuple(history)
    return tuple(
        [replace(past, lines=_lines_with_decimals(ruleset, past.lines)) if past.lines else past for past in history]
    )


def read_decimals(declared: AttributeTypes, given: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Return attributes with decimals in millionths; one of another type than declared by now is left as it is."""
    if not given:
        return given
    return {
        name: parse_quantity(value)
        if declared.get(name) == "decimal" and isinstance(value, str) and _is_decimal(value)
        else value
        for name, value in given.items()
    }


def _lines_with_decimals(ruleset: Ruleset, lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(line._replace(attributes=read_decimals(ruleset.line_attributes, line.attributes)) for line in lines)


def _fits(expected: ValueType, value: Scalar) -> bool:
    match expected:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "text":
            return isinstance(value, str)
        case "date":
            return isinstance(value, str) and _DATE.fullmatch(value) is not None
        case "decimal":
            return isinstance(value, str) and _is_decimal(value)


def _is_decimal(value: str) -> bool:
    try:
        parse_quantity(value)
    except ValueError:
        return False
    return True
