"""Conditions compiled to closures that explain themselves.

A check costs one read and one comparison; only a failing one builds something, its reason.
"""

from collections.abc import Callable
from functools import partial
from operator import contains, eq, ge, gt, le, lt, ne
from typing import Any, Final, assert_never

from loyalty_engine.core.program.attributes import ValueType, read_value
from loyalty_engine.core.program.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    FactComparison,
    LinesComparison,
    Not,
    walk,
)
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Scalar
from loyalty_engine.core.rules.reasons import Excluded, Miss, Need, NoneOf, Unmet, new
from loyalty_engine.core.rules.selections import compile_selection, measure_of
from loyalty_engine.core.rules.view import OrderView, reader_of

Check = Callable[[OrderView], Miss | None]
"""Returns None when the condition holds, else why it does not."""

_NUMBERS: Final = frozenset({"integer", "decimal"})


def compile_condition(condition: Condition, vocabulary: Vocabulary) -> Check:
    """Return the check of a condition that ``check_program`` found no error in. ``all`` stops at the first miss."""
    match condition:
        case AllOf(children=children):
            return _all_of([compile_condition(child, vocabulary) for child in children])
        case AnyOf(children=children):
            return _any_of([compile_condition(child, vocabulary) for child in children])
        case Not(child=child):
            written = child.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            excluded = Excluded(written, personal=reads_member_attributes(child, vocabulary))
            return _not(compile_condition(child, vocabulary), excluded)
        case FactComparison():
            return _fact_check(condition, vocabulary)
        case LinesComparison():
            return _lines_check(condition, vocabulary)
        case _:
            assert_never(condition)


def reads_member_attributes(condition: Condition, vocabulary: Vocabulary) -> bool:
    """Tell whether any part of the condition asks for a declared attribute of the member."""
    return any(
        isinstance(node, FactComparison) and vocabulary.facts[node.fact].personal for _, _, node in walk(condition)
    )


def _all_of(children: list[Check]) -> Check:
    def check(view: OrderView) -> Miss | None:
        for child in children:
            miss = child(view)
            if miss is not None:
                return miss
        return None

    return check


def _any_of(children: list[Check]) -> Check:
    def check(view: OrderView) -> Miss | None:
        misses = []
        for child in children:
            miss = child(view)
            if miss is None:
                return None
            misses.append(miss)
        return new(NoneOf, (tuple(misses),))

    return check


def _not(child: Check, excluded: Excluded) -> Check:
    return lambda view: excluded if child(view) is None else None


def _fact_check(comparison: FactComparison, vocabulary: Vocabulary) -> Check:
    fact = vocabulary.facts[comparison.fact]
    need = Need(
        fact=fact.name,
        type=fact.type,
        operator=comparison.operator,
        needed=_as_json(comparison),
        bound=_bound(comparison, fact.type),
        personal=fact.personal,
    )
    read = reader_of(fact)
    holds = _predicate(comparison, fact.type)
    holds_absent = need.operator in ("is_not", "not_in") or (need.operator == "exists" and need.needed is False)
    is_personal = fact.personal
    unknown = Unmet(need, None)

    def check(view: OrderView) -> Miss | None:
        actual = read(view)
        if holds_absent if actual is None else holds(actual):
            return None
        return unknown if actual is None or is_personal else new(Unmet, (need, actual))

    return check


def _lines_check(condition: LinesComparison, vocabulary: Vocabulary) -> Check:
    comparison = condition.comparison
    selection = compile_selection(condition.lines, vocabulary)
    value_type: ValueType = "decimal" if condition.measure == "quantity" else "integer"
    need = Need(
        fact=f"lines.{condition.measure}",
        type=value_type,
        operator=comparison.operator,
        needed=_as_json(comparison),
        bound=_bound(comparison, value_type),
        lines=selection.written,
    )
    measure = measure_of(selection, condition.measure)
    holds = _predicate(comparison, value_type)
    nothing = Unmet(need, 0)

    def check(view: OrderView) -> Miss | None:
        actual = measure(view.lines)
        if holds(actual):
            return None
        return new(Unmet, (need, actual)) if actual else nothing

    return check


def _predicate(comparison: Comparison, value_type: ValueType) -> Callable[[Any], bool]:
    """Return what holds for a present value of the right type. The value arrives as the right-hand argument."""
    comparand = comparison.comparand
    if comparison.operator == "exists":
        return lambda _: comparand is True
    if isinstance(comparand, tuple):
        values = frozenset(read_value(value_type, value) for value in comparand)
        among = partial(contains, values)
        return among if comparison.operator == "in" else lambda actual: actual not in values
    value = read_value(value_type, comparand)
    match comparison.operator:
        case "is":
            return partial(eq, value)
        case "is_not":
            return partial(ne, value)
        case "at_least":
            return partial(le, value)
        case "more_than":
            return partial(lt, value)
        case "at_most":
            return partial(ge, value)
        case "less_than":
            return partial(gt, value)
        case "in" | "not_in":
            raise AssertionError(comparison.operator)
        case _:
            assert_never(comparison.operator)


def _bound(comparison: Comparison, value_type: ValueType) -> int | None:
    """Return the least number with which the comparison holds, where more of it helps."""
    comparand = comparison.comparand
    if value_type not in _NUMBERS or isinstance(comparand, tuple):
        return None
    match comparison.operator:
        case "at_least":
            return int(read_value(value_type, comparand))
        case "more_than":
            return int(read_value(value_type, comparand)) + 1
        case _:
            return None


def _as_json(comparison: Comparison) -> Scalar | list[Scalar]:
    comparand = comparison.comparand
    return list(comparand) if isinstance(comparand, tuple) else comparand
