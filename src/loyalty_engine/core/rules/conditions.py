"""Conditions compiled to closures that explain themselves.

A check costs one read and one comparison; only a failing one builds something, its reason.
"""

from collections.abc import Callable
from functools import partial
from operator import contains, eq, ge, gt, le, lt, ne
from typing import Any, Final, assert_never

from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.program.conditions import (
    AllOf,
    AnyOf,
    BirthdayComparison,
    Comparison,
    Condition,
    FactComparison,
    HistoryComparison,
    LinesComparison,
    Not,
    SumComparison,
    walk,
)
from loyalty_engine.core.program.facts import FactType, Vocabulary, read_comparand
from loyalty_engine.core.program.fields import Entry
from loyalty_engine.core.rules.order import Scalar
from loyalty_engine.core.rules.past import compile_history, is_birthday
from loyalty_engine.core.rules.reasons import Excluded, Miss, Need, NoneOf, Unmet
from loyalty_engine.core.rules.selections import Measure, Selection, compile_selection, measure_of, sum_of
from loyalty_engine.core.rules.view import View, reader_of

Check = Callable[[View], Miss | None]
"""Returns None when the condition holds, else why it does not."""

_NUMBERS: Final = frozenset({"integer", "decimal"})
_HOLD_WHEN_ABSENT: Final = frozenset({"is_not", "not_in", "excludes"})


def compile_condition(condition: Condition, vocabulary: Vocabulary) -> Check:
    """Return the check of a condition that ``check_program`` found no error in. ``all`` stops at the first miss."""
    match condition:
        case AllOf(children=children):
            return _all_of([compile_condition(child, vocabulary) for child in children])
        case AnyOf(children=children):
            return _any_of([compile_condition(child, vocabulary) for child in children])
        case Not(child=child):
            excluded = Excluded(_as_written(child), personal=reads_profile(child, vocabulary))
            return _not(compile_condition(child, vocabulary), excluded)
        case FactComparison():
            return _fact_check(condition, vocabulary)
        case LinesComparison():
            return _lines_check(condition, vocabulary)
        case HistoryComparison():
            return _history_check(condition, vocabulary)
        case BirthdayComparison():
            return _birthday_check(condition)
        case _:
            assert_never(condition)


def reads_profile(condition: Condition, vocabulary: Vocabulary) -> bool:
    """Tell whether any part of the condition asks for personal data of the member."""
    for _, _, node in walk(condition):
        match node:
            case BirthdayComparison():
                return True
            case FactComparison() if vocabulary.facts[node.fact].personal:
                return True
            case _:
                pass
    return False


def _all_of(children: list[Check]) -> Check:
    def check(view: View) -> Miss | None:
        for child in children:
            miss = child(view)
            if miss is not None:
                return miss
        return None

    return check


def _any_of(children: list[Check]) -> Check:
    def check(view: View) -> Miss | None:
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


def need_of_fact(comparison: FactComparison, vocabulary: Vocabulary) -> Need:
    """Return what the comparison of a fact asks for."""
    fact = vocabulary.facts[comparison.fact]
    return Need(
        fact=fact.name,
        type=fact.type,
        operator=comparison.operator,
        needed=_as_json(comparison),
        bound=_bound(comparison, fact.type),
        personal=fact.personal,
    )


def _fact_check(comparison: FactComparison, vocabulary: Vocabulary) -> Check:
    fact = vocabulary.facts[comparison.fact]
    need = need_of_fact(comparison, vocabulary)
    read = reader_of(fact)
    holds = _predicate(comparison, fact.type)
    holds_absent = need.operator in _HOLD_WHEN_ABSENT or (need.operator == "exists" and need.needed is False)
    is_personal = fact.personal
    unknown = Unmet(need, None)

    def check(view: View) -> Miss | None:
        actual = read(view)
        if holds_absent if actual is None else holds(actual):
            return None
        return unknown if actual is None or is_personal else new(Unmet, (need, actual))

    return check


def miss_without_lines(condition: LinesComparison, vocabulary: Vocabulary) -> Unmet | None:
    """Return why the condition fails when no line is selected; None when it holds then."""
    selection = compile_selection(condition.lines, vocabulary)
    need, _ = _lines_need(condition, selection, vocabulary)
    return None if _predicate(condition.comparison, need.type)(0) else Unmet(need, 0)


def _lines_check(condition: LinesComparison, vocabulary: Vocabulary) -> Check:
    selection = compile_selection(condition.lines, vocabulary)
    need, measure = _lines_need(condition, selection, vocabulary)
    holds = _predicate(condition.comparison, need.type)
    nothing = Unmet(need, 0)

    def check(view: View) -> Miss | None:
        actual = measure(view.lines)
        if holds(actual):
            return None
        return new(Unmet, (need, actual)) if actual else nothing

    return check


def _lines_need(condition: LinesComparison, selection: Selection, vocabulary: Vocabulary) -> tuple[Need, Measure]:
    """Return what a comparison over lines asks for, and how that is measured."""
    comparison = condition.comparison
    summed = comparison.attribute if isinstance(comparison, SumComparison) else None
    measure, value_type = _lines_measure(condition, selection, vocabulary)
    need = Need(
        fact=f"lines.{condition.measure}",
        type=value_type,
        operator=comparison.operator,
        needed=_as_json(comparison),
        bound=_bound(comparison, value_type),
        lines=selection.written,
        attribute=summed,
    )
    return need, measure


def _lines_measure(
    condition: LinesComparison, selection: Selection, vocabulary: Vocabulary
) -> tuple[Measure, FactType]:
    comparison = condition.comparison
    if isinstance(comparison, SumComparison):
        declared = vocabulary.line_attributes[comparison.attribute]
        return sum_of(selection, comparison.attribute, declared), declared
    match condition.measure:
        case "quantity":
            return measure_of(selection, "quantity"), "decimal"
        case "count" | "amount" as name:
            return measure_of(selection, name), "integer"
        case "sum":
            raise AssertionError(condition)
        case _:
            assert_never(condition.measure)


def _history_check(condition: HistoryComparison, vocabulary: Vocabulary) -> Check:
    comparison = condition.comparison
    value_type: FactType = "decimal" if condition.measure == "quantity" else "integer"
    need = Need(
        fact=f"history.{condition.measure}",
        type=value_type,
        operator=comparison.operator,
        needed=_as_json(comparison),
        bound=_bound(comparison, value_type),
        lines=None if condition.lines is None else _as_written(condition.lines),
        history=_as_written(condition.history),
    )
    measure = compile_history(condition, vocabulary)
    holds = _predicate(comparison, value_type)
    unknown = Unmet(need, None)

    def check(view: View) -> Miss | None:
        actual = None if view.member is None else measure(view)
        if actual is None:
            return unknown
        return None if holds(actual) else new(Unmet, (need, actual))

    return check


def _birthday_check(condition: BirthdayComparison) -> Check:
    window = condition.birthday
    need = Need(
        fact="member.birthday", type="date", operator="in", needed=_as_written(window), bound=None, personal=True
    )
    miss = Unmet(need, None)
    return lambda view: None if is_birthday(window, view) else miss


def _as_written(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _predicate(comparison: Comparison, value_type: FactType) -> Callable[[Any], bool]:
    """Return what holds for a present value of the right type. The value arrives as the right-hand argument."""
    comparand = comparison.comparand
    if comparison.operator == "exists":
        return lambda _: comparand is True
    if comparison.operator in ("includes", "excludes"):
        texts = frozenset(comparand if isinstance(comparand, tuple) else (comparand,))
        return texts.isdisjoint if comparison.operator == "excludes" else lambda actual: not texts.isdisjoint(actual)
    if isinstance(comparand, tuple):
        values = frozenset(read_comparand(value_type, value) for value in comparand)
        among = partial(contains, values)
        return among if comparison.operator == "in" else lambda actual: actual not in values
    value = read_comparand(value_type, comparand)
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
        case "in" | "not_in" | "includes" | "excludes":
            raise AssertionError(comparison.operator)
        case _:
            assert_never(comparison.operator)


def _bound(comparison: Comparison, value_type: FactType) -> int | None:
    """Return the least number with which the comparison holds, where more of it helps."""
    comparand = comparison.comparand
    if value_type not in _NUMBERS or isinstance(comparand, tuple):
        return None
    match comparison.operator:
        case "at_least":
            return int(read_comparand(value_type, comparand))
        case "more_than":
            return int(read_comparand(value_type, comparand)) + 1
        case _:
            return None


def _as_json(comparison: Comparison) -> Scalar | list[Scalar]:
    comparand = comparison.comparand
    return list(comparand) if isinstance(comparand, tuple) else comparand
