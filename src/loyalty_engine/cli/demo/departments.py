"""Departments: where in the store the points were earned.

The engine credits a rule's points per order. Here they are shared out again among the lines that the rule looked at,
by their amounts, so that the sum over the departments is what was credited.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from loyalty_engine.cli.demo.columns import Product
from loyalty_engine.cli.demo.play import Played
from loyalty_engine.cli.demo.receipts import Receipt
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.conditions import LinesComparison, LineSelection
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.earning import EarningRuleEntry
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Line
from loyalty_engine.core.rules.selections import GroupedLines, compile_selection

ELSEWHERE: Final = "(not known)"
"""The department of articles that the data does not describe."""

Pick = Callable[[GroupedLines], Sequence[Line]]


@dataclass(slots=True)
class Department:
    """What came together in one department: lines, minor units, and what each wallet was credited."""

    lines: int = 0
    amount: int = 0
    earned: Counter[str] = field(default_factory=Counter)


def sum_departments(played: Played) -> dict[str, Department]:
    """Return all departments in which something was bought."""
    picks = _picks(played.program)
    found: dict[str, Department] = {}
    for receipt, granted in zip(played.receipts, played.replay.credits, strict=True):
        lines = GroupedLines(_lines(receipt))
        for line in lines.lines:
            department = found.setdefault(department_of(line, played.products), Department())
            department.lines += 1
            department.amount += line.amount
        for credit in granted:
            pick = picks.get(credit.rule)
            chosen = (pick and pick(lines)) or lines.lines
            shares = allocate(credit.points, [line.amount for line in chosen])
            for line, share in zip(chosen, shares, strict=True):
                found[department_of(line, played.products)].earned[credit.wallet] += share
    return found


def department_of(line: Line, products: Mapping[int, Product]) -> str:
    """Return the name of the department that sells the line's article."""
    product = products.get(int(line.sku or 0))
    return (product and product.department) or ELSEWHERE


def _picks(program: Program) -> dict[str, Pick]:
    """Return how each rule finds its lines; one that looks at the whole order is left out."""
    vocabulary = Vocabulary.of(program.attributes)
    chosen = {rule.key: _selection(rule) for rule in program.earning_rules}
    return {key: compile_selection(lines, vocabulary).pick for key, lines in chosen.items() if lines is not None}


def _selection(rule: EarningRuleEntry) -> LineSelection | None:
    of = getattr(rule.earn, "of", None)
    if of is None and isinstance(rule.when, LinesComparison):
        return rule.when.lines
    return of


def _lines(receipt: Receipt) -> list[Line]:
    return [
        Line(
            id=str(position),
            amount=line["amount"],
            quantity=line["quantity"] * SCALE,
            sku=line["sku"],
            category=line.get("category"),
            brand=line.get("brand"),
            attributes=line.get("attributes", {}),
        )
        for position, line in enumerate(orjson.loads(receipt.body)["lines"], start=1)
    ]
