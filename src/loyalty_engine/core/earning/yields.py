"""What a rule gives for an order or activity: rounded once for itself, and exactly for those that multiply it."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from loyalty_engine.core.kernel.amounts import Ratio, Rounding
from loyalty_engine.core.kernel.quantities import SCALE, parse_quantity
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.earning import Fixed, PerAmount, PercentOfAmount, PerLine, PerUnit, PerValue
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.selections import (
    GroupedLines,
    Measure,
    MeasureName,
    Selection,
    compile_selection,
    measure_of,
)
from loyalty_engine.core.rules.view import View, attribute_reader

Simple = PerAmount | Fixed | PerLine | PerUnit | PerValue | PercentOfAmount
"""Everything that gives something by itself; multipliers do not."""


@dataclass(frozen=True, slots=True, eq=False)
class Yield:
    """``amount`` is what a view earns, rounded, in units of the wallet; 0 when there is nothing.

    ``exact`` is the same before rounding, of some lines only, or of everything (None). ``selection`` are the lines that
    it is computed on, None when it does not depend on lines.
    """

    amount: Callable[[View], int]
    exact: Callable[[View, GroupedLines | None], Fraction]
    selection: Selection | None = None


def compile_yield(earn: Simple, rounding: Rounding, vocabulary: Vocabulary) -> Yield:
    """Return the compiled form of what a rule gives."""
    match earn:
        case Fixed(points=points):
            return _flat(lambda _: points)
        case PerValue():
            return _flat(_valued(earn, rounding, vocabulary))
        case PerLine():
            return _measured(earn.of, "count", _proportional(Ratio(earn.points, 1), rounding), vocabulary)
        case PerAmount():
            per = _full(earn.points, earn.per) if earn.full_units else None
            rate = Ratio(earn.points, earn.per)
            return _measured(earn.of, "amount", per or _proportional(rate, rounding), vocabulary)
        case PercentOfAmount():
            rate = Ratio.parse_percent(earn.rate)
            return _measured(earn.of, "amount", _proportional(rate, rounding), vocabulary)
        case PerUnit():
            unit = parse_quantity(str(earn.per))
            per = _full(earn.points, unit) if earn.full_units else None
            return _measured(earn.of, "quantity", per or _proportional(Ratio(earn.points, unit), rounding), vocabulary)
        case _:
            assert_never(earn)


@dataclass(frozen=True, slots=True, eq=False)
class _Tariff:
    """From a measured number to what it gives, rounded and exactly."""

    rounded: Callable[[int], int]
    exact: Callable[[int], Fraction]


def _proportional(rate: Ratio, rounding: Rounding) -> _Tariff:
    return _Tariff(
        rounded=lambda measured: rate.of(measured, rounding),
        exact=lambda measured: Fraction(measured * rate.numerator, rate.denominator),
    )


def _full(points: int, per: int) -> _Tariff:
    return _Tariff(
        rounded=lambda measured: measured // per * points, exact=lambda measured: Fraction(measured // per * points)
    )


def _flat(amount: Callable[[View], int]) -> Yield:
    """What belongs to the whole order or activity is no part of any lines."""
    return Yield(amount, lambda view, lines: Fraction(amount(view) if lines is None else 0))


def _measured(of: LineSelection | None, name: MeasureName, tariff: _Tariff, vocabulary: Vocabulary) -> Yield:
    selection = None if of is None else compile_selection(of, vocabulary)
    measure = _whole(name) if selection is None else measure_of(selection, name)
    rounded, exact = tariff.rounded, tariff.exact
    return Yield(
        amount=lambda view: rounded(measure(view.base)),
        exact=lambda view, lines: exact(measure(view.base if lines is None else lines)),
        selection=selection,
    )


def _whole(name: MeasureName) -> Measure:
    """Return a measure over everything: only the amount of the whole order includes shipping, where that earns."""
    match name:
        case "amount":
            return lambda lines: lines.total
        case "count":
            return lambda lines: len(lines.lines)
        case "quantity":
            return lambda lines: sum([line.quantity for line in lines.lines])
        case _:
            assert_never(name)


def _valued(earn: PerValue, rounding: Rounding, vocabulary: Vocabulary) -> Callable[[View], int]:
    carrier = "order" if vocabulary.activity is None else "activity"
    fact = vocabulary.facts[f"{carrier}.attributes.{earn.attribute}"]
    read, per = attribute_reader(fact), parse_quantity(str(earn.per))
    scale = 1 if fact.type == "decimal" else SCALE
    tariff = _full(earn.points, per) if earn.full_units else _proportional(Ratio(earn.points, per), rounding)
    return lambda view: tariff.rounded(max(int(read(view) or 0), 0) * scale)
