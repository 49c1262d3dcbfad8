"""Conditions on one fact that stand in the same ``all`` and can never hold together, such as ≥ 100 and < 50."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, assert_never

from loyalty_engine.core.program.attributes import Scalar
from loyalty_engine.core.program.conditions import AllOf, Condition, FactComparison, walk
from loyalty_engine.core.program.facts import FactType, Vocabulary, read_comparand

_BEYOND: Final = 1 << 128
"""Farther out than any number of a document."""


def contradicting(pointer: str, condition: Condition, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the pointer of each comparison that the earlier ones of its ``all`` leave no value for.

    The condition must be free of faults. An ``all`` inside an ``all`` counts as part of it.
    """
    inner: set[str] = set()
    for here, _, node in walk(condition, pointer):
        if isinstance(node, AllOf) and here not in inner:
            yield from contradicting_together(list(_together(here, node, inner)), vocabulary)


def _together(pointer: str, node: AllOf, inner: set[str]) -> Iterator[tuple[str, FactComparison]]:
    for index, child in enumerate(node.children):
        here = f"{pointer}/all/{index}"
        match child:
            case FactComparison():
                yield here, child
            case AllOf():
                inner.add(here)
                yield from _together(here, child, inner)
            case _:
                pass


def contradicting_together(comparisons: Iterable[tuple[str, FactComparison]], vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the pointer of each comparison that those before it leave no value for. All of them must hold at once."""
    possible: dict[str, _Possible] = {}
    for here, comparison in comparisons:
        value_type = vocabulary.facts[comparison.fact].type
        if value_type == "texts":
            continue  # several texts at once can satisfy what one cannot
        left = possible.setdefault(comparison.fact, _Possible.at_first(value_type))
        if left.is_empty():
            continue
        left.narrow(comparison, value_type)
        if left.is_empty():
            yield here


@dataclass(slots=True)
class _Possible:
    """Which values a fact may still have. Numbers and dates are compared as whole numbers."""

    allowed: set[Scalar] | None = None
    excluded: set[Scalar] = field(default_factory=set)
    low: int = -_BEYOND
    high: int = _BEYOND
    must_exist: bool = False
    must_be_absent: bool = False

    @classmethod
    def at_first(cls, value_type: FactType) -> "_Possible":
        return cls(allowed={True, False}) if value_type == "boolean" else cls()

    def is_empty(self) -> bool:
        if not self.must_exist:
            return False
        if self.must_be_absent or self.low > self.high:
            return True
        if self.allowed is None:
            return False
        return not any(self._may_be(value) for value in self.allowed)

    def _may_be(self, value: Scalar) -> bool:
        return value not in self.excluded and (isinstance(value, str) or self.low <= value <= self.high)

    def narrow(self, comparison: FactComparison, value_type: FactType) -> None:
        """Keep only the values with which ``comparison`` holds."""
        comparand = comparison.comparand
        if comparison.operator == "exists":
            self.must_exist |= comparand is True
            self.must_be_absent |= comparand is False
            return
        written = comparand if isinstance(comparand, tuple) else (comparand,)
        values = {_ordinal(value_type, value) for value in written}
        match comparison.operator:
            case "is_not" | "not_in":
                self.excluded |= values
                return
            case "is" | "in":
                self.allowed = values if self.allowed is None else self.allowed & values
            case "at_least":
                self.low = max(self.low, *map(int, values))
            case "more_than":
                self.low = max(self.low, *(int(value) + 1 for value in values))
            case "at_most":
                self.high = min(self.high, *map(int, values))
            case "less_than":
                self.high = min(self.high, *(int(value) - 1 for value in values))
            case "includes" | "excludes":
                raise AssertionError(comparison.operator)
            case _:
                assert_never(comparison.operator)
        self.must_exist = True


def _ordinal(value_type: FactType, written: Scalar) -> Scalar:
    value = read_comparand(value_type, written)
    match value_type:
        case "date":
            return date.fromisoformat(str(value)).toordinal()
        case "clock":
            hours, _, minutes = str(value).partition(":")
            return int(hours) * 60 + int(minutes)
        case _:
            return value
