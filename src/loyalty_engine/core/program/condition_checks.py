"""Static checks of one condition: names, types, operators, size, and bounds that can never hold together."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final, assert_never

from loyalty_engine.core.program.attributes import Scalar
from loyalty_engine.core.program.conditions import (
    AllOf,
    AnyOf,
    BirthdayComparison,
    Comparand,
    Condition,
    FactComparison,
    HistoryComparison,
    LineFilter,
    LinesComparison,
    LineSelection,
    Not,
    SumComparison,
    walk,
)
from loyalty_engine.core.program.contradictions import contradicting
from loyalty_engine.core.program.facts import OPERATORS, Fact, FactType, Vocabulary, read_comparand
from loyalty_engine.core.program.faults import Fault, FaultCode, json_pointer

MAX_DEPTH: Final = 10
MAX_NODES: Final = 200

_NO_LINES: Final = "are not known of an activity"

_EXPECTED: Final[dict[FactType, str]] = {
    "text": "must be text",
    "integer": "must be a whole number",
    "boolean": "must be true or false",
    "decimal": 'must be a decimal such as "1.25", at least 0 and at most 1000000000',
    "date": 'must be a date such as "2026-05-31"',
    "clock": 'must be a time of day such as "17:30"',
    "texts": "must be text",
}


def check_condition(pointer: str, condition: Condition, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Yield the faults of the tree that stands at ``pointer``; a too large one is not looked into any further."""
    for nodes, (here, depth, _) in enumerate(walk(condition, pointer), start=1):
        if depth > MAX_DEPTH:
            yield Fault(here, FaultCode.TOO_DEEP, f"is more than {MAX_DEPTH} conditions deep")
            return
        if nodes > MAX_NODES:
            yield Fault(pointer, FaultCode.TOO_MANY_NODES, f"has more than {MAX_NODES} conditions")
            return
    faulty = False
    for here, _, node in walk(condition, pointer):
        for fault in _check_node(here, node, vocabulary):
            faulty = True
            yield fault
    if not faulty:
        for here in contradicting(pointer, condition, vocabulary):
            message = "can never hold together with the other conditions on this fact"
            yield Fault(here, FaultCode.NEVER_HOLDS, message, "warning")


def check_selection(pointer: str, selection: LineSelection, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Yield the faults of a line selection: undeclared attributes, values of another type, and no lines left."""
    yield from _check_filter(pointer, selection, vocabulary)
    if selection.except_ is None:
        return
    yield from _check_filter(f"{pointer}/except", selection.except_, vocabulary)
    if selection.except_ == LineFilter():
        yield Fault(f"{pointer}/except", FaultCode.NEVER_HOLDS, "excepts every line", "warning")


def _check_filter(pointer: str, selection: LineFilter, vocabulary: Vocabulary) -> Iterator[Fault]:
    for name, choice in selection.attributes.items():
        here = f"{pointer}{json_pointer(('attributes', name))}"
        value_type = vocabulary.line_attributes.get(name)
        if value_type is None:
            yield Fault(here, FaultCode.UNDECLARED_ATTRIBUTE, "is not declared under /attributes/line")
        else:
            yield from _check_comparand(here, choice, value_type)


def _check_node(pointer: str, node: Condition, vocabulary: Vocabulary) -> Iterator[Fault]:
    match node:
        case AllOf() | AnyOf() | Not():
            return
        case FactComparison():
            fact = vocabulary.facts.get(node.fact)
            if fact is None:
                yield _unknown_fact(f"{pointer}/fact", node.fact, vocabulary)
            else:
                yield from _check_comparison(f"{pointer}/{node.operator}", node, fact)
        case LinesComparison() if vocabulary.activity is not None:
            yield Fault(f"{pointer}/lines", FaultCode.FACT_NOT_AVAILABLE, _NO_LINES)
        case LinesComparison():
            yield from check_selection(f"{pointer}/lines", node.lines, vocabulary)
            if isinstance(node.comparison, SumComparison):
                yield from _check_summed(f"{pointer}/sum/attribute", node.comparison.attribute, vocabulary)
        case HistoryComparison():
            if node.lines is not None:
                yield from check_selection(f"{pointer}/lines", node.lines, vocabulary)
        case BirthdayComparison():
            return
        case _:
            assert_never(node)


def _check_summed(pointer: str, name: str, vocabulary: Vocabulary) -> Iterator[Fault]:
    match vocabulary.line_attributes.get(name):
        case None:
            yield Fault(pointer, FaultCode.UNDECLARED_ATTRIBUTE, "is not declared under /attributes/line")
        case "integer" | "decimal":
            return
        case other:
            yield Fault(pointer, FaultCode.WRONG_TYPE, f"must be an integer or a decimal, not {other}")


def _unknown_fact(pointer: str, name: str, vocabulary: Vocabulary) -> Fault:
    if name.startswith("order.") and vocabulary.activity is not None:
        return Fault(pointer, FaultCode.FACT_NOT_AVAILABLE, "is not known of an activity")
    if name.startswith("activity.") and vocabulary.activity is None:
        return Fault(pointer, FaultCode.FACT_NOT_AVAILABLE, "is known of activities only: name one in the rule")
    if name.startswith("activity.attributes."):
        return Fault(pointer, FaultCode.UNDECLARED_ATTRIBUTE, "is not declared by this kind of activity")
    if name.startswith("member.balances."):
        return Fault(pointer, FaultCode.UNKNOWN_WALLET, "does not name a wallet of this program")
    for carrier in ("member", "order"):
        if name.startswith(f"{carrier}.attributes."):
            return Fault(pointer, FaultCode.UNDECLARED_ATTRIBUTE, f"is not declared under /attributes/{carrier}")
    close = get_close_matches(name, vocabulary.facts, n=1)
    message = f"is not a fact; did you mean {close[0]}?" if close else "is not a fact"
    return Fault(pointer, FaultCode.UNKNOWN_FACT, message)


def _check_comparison(pointer: str, node: FactComparison, fact: Fact) -> Iterator[Fault]:
    if node.operator not in OPERATORS[fact.type]:
        fitting = ", ".join(OPERATORS[fact.type])
        message = f"does not fit {fact.name}, which is of type {fact.type}; use one of {fitting}"
        yield Fault(pointer, FaultCode.OPERATOR_NOT_ALLOWED, message)
    elif node.operator != "exists":
        yield from _check_comparand(pointer, node.comparand, fact.type, fact)


def _check_comparand(
    pointer: str, comparand: Comparand, value_type: FactType, fact: Fact | None = None
) -> Iterator[Fault]:
    if not isinstance(comparand, tuple):
        yield from _check_value(pointer, comparand, value_type, fact)
        return
    for index, value in enumerate(comparand):
        yield from _check_value(f"{pointer}/{index}", value, value_type, fact)


def _check_value(pointer: str, value: Scalar, value_type: FactType, fact: Fact | None) -> Iterator[Fault]:
    try:
        read = read_comparand(value_type, value)
    except ValueError:
        yield Fault(pointer, FaultCode.WRONG_TYPE, _EXPECTED[value_type])
        return
    if fact is None:
        return
    if fact.options and read not in fact.options:
        yield Fault(pointer, FaultCode.UNKNOWN_OPTION, f"must be one of {', '.join(fact.options)}")
    if fact.bounds and not fact.bounds[0] <= int(read) <= fact.bounds[1]:
        yield Fault(pointer, FaultCode.OUT_OF_RANGE, f"must be from {fact.bounds[0]} to {fact.bounds[1]}")
