"""What a cart lacks, so that a promotion would apply, or give more: so much of some goods, and nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from loyalty_engine.core.kernel.quantities import SCALE, parse_quantity, show_quantity
from loyalty_engine.core.program.promotions import Bundle, BuyGet, Gift, Part, PromotionEffect, Stepped
from loyalty_engine.core.promotions.cart import Cart
from loyalty_engine.core.promotions.effects import Terms
from loyalty_engine.core.promotions.matching import pack, shortage
from loyalty_engine.core.rules.reasons import Miss, NoneOf, Unmet
from loyalty_engine.core.rules.selections import Selection

MeasureOfGoods = Literal["amount", "quantity", "count", "sum"]
"""Minor units; units of goods; lines; an attribute of lines, summed."""

_MEASURES: Final[Mapping[str, MeasureOfGoods]] = {
    "order.total": "amount",
    "order.lines": "count",
    "lines.amount": "amount",
    "lines.quantity": "quantity",
    "lines.count": "count",
    "lines.sum": "sum",
}
"""The facts of which more can be bought. A reason tells others too, such as what was spent before: nobody can add to that."""

_NOTHING: Final[Mapping[str, Any]] = {}


class Lack(NamedTuple):
    """There is ``actual`` of the goods in ``lines`` (a selection as JSON; empty: of any), and ``needed`` would do.

    Quantities and ``is_decimal`` sums are in millionths.
    """

    measure: MeasureOfGoods
    lines: Mapping[str, Any]
    actual: int
    needed: int
    attribute: str | None = None
    is_decimal: bool = False

    @property
    def missing(self) -> int:
        """How much more it takes."""
        return self.needed - self.actual

    def show(self, value: int) -> int | str:
        """Return a value of this measure as people write it."""
        return show_quantity(value) if self.is_decimal else value


Next = Callable[[Cart], Lack | None]
"""Tells what a cart lacks for an effect to give something, or more than it does; None when that is not one thing."""


def lacks_of(miss: Miss) -> Iterator[Lack]:
    """Yield what each by itself may do for a condition to hold. Whether it does, the whole condition must say."""
    match miss:
        case NoneOf(misses):
            for inner in misses:
                yield from lacks_of(inner)
        case Unmet(need):
            measure, missing, needed = _MEASURES.get(need.fact), miss.missing, need.bound
            if measure is not None and missing is not None and needed is not None and needed > 0:
                lines, is_decimal = need.lines or _NOTHING, need.type == "decimal"
                yield Lack(measure, lines, needed - missing, needed, need.attribute, is_decimal)
        case _:
            return


def compile_next(effect: PromotionEffect, terms: Terms) -> Next | None:
    """Return what tells how an effect goes on; None for those that give the same however much there is."""
    match effect:
        case Stepped():
            at_least = [step.at_least for step in effect.steps]
            return partial(_next_step, terms.select(effect.of), at_least)
        case BuyGet(buy=buy, get=get):
            got = get if get.of is not None else Part(of=buy.of, quantity=get.quantity)
            return _next_of_parts((buy, got), effect.repeat, terms)
        case Bundle():
            return _next_of_parts(effect.parts, effect.repeat, terms)
        case Gift() if effect.per_amount is not None or effect.per_quantity is not None:
            return partial(_next_gift, terms.select(effect.of), effect)
        case _:
            return None


def _next_step(selection: Selection | None, steps: Sequence[int], cart: Cart) -> Lack | None:
    listed = sum([cart.listed[place] for place in cart.places(selection)])
    needed = next((at_least for at_least in steps if at_least > listed), None)
    return None if needed is None else Lack("amount", _written(selection), listed, needed)


def _next_gift(selection: Selection | None, effect: Gift, cart: Cart) -> Lack | None:
    lines = {id(cart.lines[place]): cart.lines[place] for place in cart.places(selection)}.values()
    measured: list[tuple[MeasureOfGoods, int, int]] = []
    if effect.per_amount is not None:
        measured.append(("amount", sum([line.amount for line in lines]), effect.per_amount))
    if effect.per_quantity is not None:
        per_quantity = parse_quantity(str(effect.per_quantity))
        measured.append(("quantity", sum([line.quantity for line in lines]), per_quantity))
    times = min(actual // per for _, actual, per in measured)
    if effect.most is not None and times * effect.quantity >= effect.most:
        return None
    lacks = [
        Lack(measure, _written(selection), actual, (times + 1) * per, is_decimal=measure == "quantity")
        for measure, actual, per in measured
        if actual // per == times
    ]
    return lacks[0] if len(lacks) == 1 else None


def _next_of_parts(parts: Sequence[Part], repeat: int | None, terms: Terms) -> Next:
    selections = [terms.select(part.of) for part in parts]
    needs = [part.quantity for part in parts]
    return partial(_next_bundle, selections, needs, repeat)


def _next_bundle(
    selections: Sequence[Selection | None], needs: Sequence[int], repeat: int | None, cart: Cart
) -> Lack | None:
    """Return what is missing of a bundle that was begun."""
    units = cart.units_for(selections)
    times, _ = pack(needs, [(fits, run.units) for fits, run in units], repeat)
    if times == repeat:
        return None
    more = [need * (times + 1) for need in needs]
    short = shortage(more, [(fits, run.units) for fits, run in units])
    missing = sum(short)
    if missing >= sum(needs):
        return None
    wanted = [_written(selection) for selection in selections]
    goods = wanted[next(part for part, lack in enumerate(short) if lack)]
    if any(lack and lines != goods for lack, lines in zip(short, wanted, strict=True)):
        return None
    needed = sum([need for need, lines in zip(more, wanted, strict=True) if lines == goods])
    return Lack("quantity", goods, (needed - missing) * SCALE, needed * SCALE, is_decimal=True)


def _written(selection: Selection | None) -> Mapping[str, Any]:
    return _NOTHING if selection is None else selection.written
