"""Conditions judged again when goods come back: what they ask of the order is looked up anew, what they ask of the member
is remembered, because by now the member is another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from loyalty_engine.core.program.conditions import (
    AllOf,
    AnyOf,
    BirthdayComparison,
    Condition,
    FactComparison,
    HistoryComparison,
    LinesComparison,
    Not,
)
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.conditions import Check, compile_condition
from loyalty_engine.core.rules.view import View

Recalled = Callable[[View, str], bool]
"""Tells whether a condition holds for a view of what is left of an order, given what is remembered of the member."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How a condition is judged again. ``asked`` are its parts about the member, in the order of the text ``held``."""

    holds: Recalled
    asked: tuple[Check, ...]

    def remember(self, view: View) -> str:
        """Return which parts about the member hold, as :class:`~loyalty_engine.core.earning.memory.RuleMemory` keeps it."""
        return "".join(["1" if check(view) is None else "0" for check in self.asked])


def must_remember(condition: Condition, *, is_certain: bool = True) -> bool:
    """Tell whether a rule that applied leaves open which parts about the member held.

    They all did when nothing but ``all`` stands above them.
    """
    match condition:
        case AllOf(children=children):
            return any(must_remember(child, is_certain=is_certain) for child in children)
        case AnyOf(children=children):
            return any(must_remember(child, is_certain=False) for child in children)
        case Not(child=child):
            return must_remember(child, is_certain=False)
        case _:
            return not is_certain and _is_about_member(condition)


def compile_recall(condition: Condition, vocabulary: Vocabulary) -> Recall:
    """Return how a condition that ``check_program`` found no error in is judged again."""
    compiler = _Compiler(vocabulary, [])
    holds = compiler.compile(condition)
    return Recall(holds, tuple(compiler.asked))


@dataclass(frozen=True, slots=True)
class _Compiler:
    vocabulary: Vocabulary
    asked: list[Check]

    def compile(self, condition: Condition) -> Recalled:
        match condition:
            case AllOf(children=children):
                every = [self.compile(child) for child in children]
                return lambda view, held: all(child(view, held) for child in every)
            case AnyOf(children=children):
                some = [self.compile(child) for child in children]
                return lambda view, held: any(child(view, held) for child in some)
            case Not(child=child):
                inner = self.compile(child)
                return lambda view, held: not inner(view, held)
            case FactComparison() | LinesComparison() | HistoryComparison() | BirthdayComparison():
                return self._compile_leaf(condition)
            case _:
                assert_never(condition)

    def _compile_leaf(self, condition: Condition) -> Recalled:
        check = compile_condition(condition, self.vocabulary)
        if not _is_about_member(condition):
            return lambda view, _: check(view) is None
        place = len(self.asked)
        self.asked.append(check)
        return lambda _, held: held[place] == "1" if held else True


def _is_about_member(condition: Condition) -> bool:
    match condition:
        case HistoryComparison() | BirthdayComparison():
            return True
        case FactComparison(fact=fact):
            return fact.startswith("member.")
        case _:
            return False
