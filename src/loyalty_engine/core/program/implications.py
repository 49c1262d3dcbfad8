"""Whether one thing of a document covers another: what holds or is meant there holds or is meant here as well.

Every answer errs on the side of no: yes is a proof, no is only the lack of one.
"""

from collections.abc import Sequence

from loyalty_engine.core.program.conditions import (
    AnyOf,
    Comparison,
    Condition,
    FactComparison,
    HistoryComparison,
    LineFilter,
    LinesComparison,
    LineSelection,
    SumComparison,
    conjuncts,
)
from loyalty_engine.core.program.fields import Choice
from loyalty_engine.core.program.windows import Window, parse_moment


def implies(condition: Condition | None, other: Condition | None) -> bool:
    """Tell whether ``other`` holds whenever ``condition`` does. None always holds."""
    if other is None:
        return True
    if condition is None:
        return False
    given = [node for _, node in conjuncts(condition)]
    return all(
        any(_is_stricter(node, needed) for node in given)
        or (isinstance(needed, AnyOf) and any(implies(condition, child) for child in needed.children))
        for _, needed in conjuncts(other)
    )


def selects_all_of(selection: LineSelection | None, other: LineSelection | None) -> bool:
    """Tell whether ``selection`` means every line that ``other`` means. None means all lines."""
    if selection is None or selection in (other, LineSelection()):
        return True
    if other is None:
        return False
    lists = ((getattr(selection, name), getattr(other, name)) for name in ("sku", "category", "brand", "unit"))
    return (
        all(mine is None or (theirs is not None and set(theirs) <= set(mine)) for mine, theirs in lists)
        and all(
            name in other.attributes and _values(other.attributes[name]) <= _values(choice)
            for name, choice in selection.attributes.items()
        )
        and _excepts_no_more(selection.except_, other.except_)
    )


def is_open_during(window: Window | None, other: Window | None) -> bool:
    """Tell whether ``window`` is open whenever ``other`` is. None is always open."""
    if window is None or other is None:
        return window is None
    return _is_before(window.starts_at, other.starts_at) and _is_before(
        other.ends_at, window.ends_at, none_is_late=True
    )


def names_all_of(names: Sequence[str] | None, other: Sequence[str] | None) -> bool:
    """Tell whether ``names`` hold every one of ``other``. None names everything."""
    return names is None or (other is not None and set(other) <= set(names))


def _excepts_no_more(mine: LineFilter | None, theirs: LineFilter | None) -> bool:
    return mine is None or mine == theirs


def _is_before(first: str | None, second: str | None, *, none_is_late: bool = False) -> bool:
    """Compare moments, of which none means the farthest end on its side."""
    if first is None or second is None:
        return second is None if none_is_late else first is None
    return parse_moment(first) <= parse_moment(second)


def _is_stricter(node: Condition, other: Condition) -> bool:
    if node == other:
        return True
    match node, other:
        case FactComparison(), FactComparison():
            return node.fact == other.fact and _is_tighter(node, other)
        case LinesComparison(), LinesComparison():
            mine, theirs = node.comparison, other.comparison
            if isinstance(mine, SumComparison) and isinstance(theirs, SumComparison):
                return (node.lines, mine.attribute) == (other.lines, theirs.attribute) and _is_tighter(mine, theirs)
            return (node.lines, node.measure) == (other.lines, other.measure) and _is_tighter(mine, theirs)
        case HistoryComparison(), HistoryComparison():
            same = (node.history, node.lines, node.measure) == (other.history, other.lines, other.measure)
            return same and _is_tighter(node.comparison, other.comparison)
        case _:
            return False


def _is_tighter(mine: Comparison, theirs: Comparison) -> bool:
    """Tell whether whatever satisfies ``mine`` satisfies ``theirs``, of one number or text."""
    if mine.operator in ("is", "in") and theirs.operator in ("is", "in"):
        return _values(mine.comparand) <= _values(theirs.comparand)
    lower, higher = ("at_least", "more_than", "is"), ("at_most", "less_than", "is")
    low, high = _whole(mine), _whole(theirs)
    if low is None or high is None:
        return False
    if theirs.operator in ("at_least", "more_than") and mine.operator in lower:
        return low > high or (low == high and (theirs.operator == "at_least" or mine.operator == "more_than"))
    if theirs.operator in ("at_most", "less_than") and mine.operator in higher:
        return low < high or (low == high and (theirs.operator == "at_most" or mine.operator == "less_than"))
    return False


def _whole(comparison: Comparison) -> int | None:
    comparand = comparison.comparand
    return comparand if isinstance(comparand, int) and not isinstance(comparand, bool) else None


def _values(choice: Choice) -> set[tuple[type, object]]:
    """Return values with their types: 1 is not true."""
    return {(type(value), value) for value in (choice if isinstance(choice, tuple) else (choice,))}
