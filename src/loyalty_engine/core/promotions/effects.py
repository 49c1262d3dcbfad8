"""What each kind of promotion would take off a cart, before any cap: pure arithmetic in whole minor units.

A share is rounded once over all that it is taken of, and then allocated fairly, so that split lines get what joined ones
get.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from loyalty_engine.core.kernel.amounts import Ratio, Rounding, allocate
from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.promotions import (
    AmountOff,
    Bundle,
    BuyGet,
    ExtraPoints,
    Gift,
    PercentOff,
    PromotionEffect,
    ShippingOff,
    Stepped,
    TotalPrice,
    UnitChoice,
    UnitPrice,
)
from loyalty_engine.core.promotions.cart import Cart, Run, cut_out, take, without
from loyalty_engine.core.promotions.matching import match, most_repeats
from loyalty_engine.core.rules.selections import Selection, compile_selection

WHOLE = Ratio(1, 1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a promotion would do: so much off each slice of ``cart`` and off shipping; goods to add, by SKU; points."""

    cart: Cart
    offs: Sequence[int]
    shipping_off: int = 0
    gifts: tuple[tuple[str, int], ...] = ()
    points: tuple[str, int] | None = None

    @property
    def value(self) -> int:
        """How much less there would be to pay."""
        return sum(self.offs) + self.shipping_off

    @property
    def is_nothing(self) -> bool:
        """Whether it would change nothing."""
        return not (self.value or self.gifts or self.points)


Effect = Callable[[Cart], Wish]


@dataclass(frozen=True, slots=True)
class Terms:
    """What all effects of a program go by: what shares are taken of, and how one is rounded."""

    of_list: bool
    rounding: Rounding
    vocabulary: Vocabulary = field(repr=False)

    def select(self, selection: LineSelection | None) -> Selection | None:
        """Return a compiled selection."""
        return None if selection is None else compile_selection(selection, self.vocabulary)


def compile_effect(effect: PromotionEffect, terms: Terms) -> Effect:
    """Return the compiled form of an effect that ``check_program`` found no error in."""
    match effect:
        case PercentOff():
            return _percent_off(effect, terms)
        case AmountOff():
            return _amount_off(effect, terms)
        case UnitPrice():
            return _unit_price(effect, terms)
        case TotalPrice():
            return _total_price(effect, terms)
        case ShippingOff():
            return _shipping_off(effect, terms)
        case Stepped():
            return _stepped(effect, terms)
        case BuyGet():
            return _buy_get(effect, terms)
        case Bundle():
            return _bundle(effect, terms)
        case Gift():
            return _gift(effect, terms)
        case ExtraPoints(wallet=wallet, points=points):
            return lambda cart: replace(_nothing(cart), points=(wallet, points))
        case _:
            assert_never(effect)


def _nothing(cart: Cart) -> Wish:
    return Wish(cart, [0] * len(cart.slices))


def _share_off(cart: Cart, places: Sequence[int], rate: Ratio, terms: Terms) -> Wish:
    """Take a share of these slices off them."""
    bases = [cart.slices[place].listed if terms.of_list else cart.slices[place].amount for place in places]
    return _spread(cart, places, rate.of(sum(bases), terms.rounding), bases)


def _spread(cart: Cart, places: Sequence[int], total: int, weights: Sequence[int] | None = None) -> Wish:
    """Take ``total`` off these slices, as far as they go, in proportion to ``weights`` (what is left of them by default).

    What is more than the rest of a slice is not taken off the others: their share of a list price stays what it is.
    """
    amounts = [cart.slices[place].amount for place in places]
    shares = allocate(min(total, sum(amounts)), amounts) if weights is None else allocate(total, weights)
    offs = [0] * len(cart.slices)
    for place, share, amount in zip(places, shares, amounts, strict=True):
        offs[place] = min(share, amount)
    return Wish(cart, offs)


def _percent_off(effect: PercentOff, terms: Terms) -> Effect:
    selection, rate = terms.select(effect.of), Ratio.parse_percent(effect.percent)

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        if effect.units is not None:
            cart, (places,) = cut_out(cart, _choose(cart.runs(places), effect.units), is_bound=False)
        return _share_off(cart, places, rate, terms)

    return wish


def _amount_off(effect: AmountOff, terms: Terms) -> Effect:
    selection, amount = terms.select(effect.of), effect.amount

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        match effect.each:
            case "order":
                return _spread(cart, places, amount)
            case "line":
                offs = [0] * len(cart.slices)
                for line in {id(cart.slices[place].line): None for place in places}:
                    own = [place for place in places if id(cart.slices[place].line) == line]
                    for place, off in enumerate(_spread(cart, own, amount).offs):
                        offs[place] += off
                return Wish(cart, offs)
            case "unit":
                return _off_units(cart, cart.runs(places), lambda worth: min(worth, amount))

    return wish


def _unit_price(effect: UnitPrice, terms: Terms) -> Effect:
    selection, price = terms.select(effect.of), effect.price

    def wish(cart: Cart) -> Wish:
        runs = cart.runs(cart.places(selection))
        chosen = runs if effect.units is None else _choose(runs, effect.units)
        return _off_units(cart, chosen, lambda worth: max(worth - price, 0))

    return wish


def _off_units(cart: Cart, runs: Sequence[Run], off: Callable[[int], int]) -> Wish:
    offs = [0] * len(cart.slices)
    for worth, place, count in runs:
        offs[place] += off(worth) * count
    return Wish(cart, offs)


def _total_price(effect: TotalPrice, terms: Terms) -> Effect:
    selection, price = terms.select(effect.of), effect.price

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        return _spread(cart, places, max(sum(cart.slices[place].amount for place in places) - price, 0))

    return wish


def _shipping_off(effect: ShippingOff, terms: Terms) -> Effect:
    rate = WHOLE if effect.percent is None else Ratio.parse_percent(effect.percent)

    def wish(cart: Cart) -> Wish:
        off = effect.amount if effect.amount is not None else rate.of(cart.shipping, terms.rounding)
        return replace(_nothing(cart), shipping_off=min(off, cart.shipping))

    return wish


def _stepped(effect: Stepped, terms: Terms) -> Effect:
    selection = terms.select(effect.of)

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        listed = sum(cart.slices[place].listed for place in places)
        reached = [step for step in effect.steps if step.at_least <= listed]
        if not reached:
            return _nothing(cart)
        step = max(reached, key=lambda step: step.at_least)
        if step.percent is not None:
            return _share_off(cart, places, Ratio.parse_percent(step.percent), terms)
        return _spread(cart, places, step.amount or 0)

    return wish


def _buy_get(effect: BuyGet, terms: Terms) -> Effect:
    buys, gets = terms.select(effect.buy.of), terms.select(effect.get.of or effect.buy.of)
    rate = Ratio.parse_percent(effect.percent)
    buy, get = effect.buy.quantity, effect.get.quantity

    def wish(cart: Cart) -> Wish:
        for_buy, for_get = set(cart.places(buys)), set(cart.places(gets))
        runs = cart.runs(sorted(for_buy | for_get))
        count = _count(runs)
        times = min(
            _count([run for run in runs if run.place in for_buy]) // buy,
            _count([run for run in runs if run.place in for_get]) // get,
            count // (buy + get),
            effect.repeat if effect.repeat is not None else count,
        )
        if not times:
            return _nothing(cart)
        # Whoever can only be bought is; of the others the dearest are, so that the cheapest are left to be had for less.
        dearest = [run for run in reversed(runs) if run.place in for_buy]
        dearest.sort(key=lambda run: run.place in for_get)
        bought = take(dearest, times * buy)
        got = take([run for run in without(runs, bought) if run.place in for_get], times * get)
        cart, (_, cheaper) = cut_out(cart, bought, got, is_bound=True)
        return _share_off(cart, cheaper, rate, terms)

    return wish


def _bundle(effect: Bundle, terms: Terms) -> Effect:
    selections = [terms.select(part.of) for part in effect.parts]
    needs = [part.quantity for part in effect.parts]

    def wish(cart: Cart) -> Wish:
        fits = [set(cart.places(selection)) for selection in selections]
        classes: dict[frozenset[int], list[Run]] = {}
        for run in reversed(cart.runs(sorted(set().union(*fits)))):
            classes.setdefault(frozenset(p for p, places in enumerate(fits) if run.place in places), []).append(run)
        counted = [(parts, _count(runs)) for parts, runs in classes.items()]
        times = most_repeats(needs, counted, effect.repeat)
        flow = match([need * times for need in needs], counted)
        if not times or flow is None:
            return _nothing(cart)
        used = [sum(part[number] for part in flow) for number in range(len(counted))]
        units = [run for runs, count in zip(classes.values(), used, strict=True) for run in take(runs, count)]
        cart, (bundled,) = cut_out(cart, units, is_bound=True)
        return _off_bundles(cart, bundled, effect, times=times, terms=terms)

    return wish


def _off_bundles(cart: Cart, bundled: Sequence[int], effect: Bundle, *, times: int, terms: Terms) -> Wish:
    """Take off what the bundles save: the dearest units are in them, so that they save most."""
    if effect.percent is not None:
        return _share_off(cart, bundled, Ratio.parse_percent(effect.percent), terms)
    if effect.amount is not None:
        return _spread(cart, bundled, effect.amount * times)
    cost = sum(cart.slices[place].amount for place in bundled)
    return _spread(cart, bundled, max(cost - (effect.price or 0) * times, 0))


def _gift(effect: Gift, terms: Terms) -> Effect:
    selection = terms.select(effect.of)
    per_quantity = None if effect.per_quantity is None else parse_quantity(str(effect.per_quantity))

    def wish(cart: Cart) -> Wish:
        pieces = [cart.slices[place] for place in cart.places(selection)]
        times = 1
        if effect.per_amount is not None:
            times = sum(piece.listed for piece in pieces) // effect.per_amount
        if per_quantity is not None:
            bought = {id(piece.line): piece.line.quantity for piece in pieces}
            times = (
                min(times, sum(bought.values()) // per_quantity)
                if effect.per_amount
                else sum(bought.values()) // per_quantity
            )
        count = effect.quantity * times
        count = count if effect.most is None else min(count, effect.most)
        if not count:
            return _nothing(cart)
        there = [place for place, piece in enumerate(cart.slices) if piece.line.sku == effect.sku]
        given = take(cart.runs(there), count)
        cart, (free,) = cut_out(cart, given, is_bound=True)
        missing = count - _count(given)
        cost = sum(cart.slices[place].amount for place in free)
        return replace(_spread(cart, free, cost), gifts=((effect.sku, missing),) if missing else ())

    return wish


def _count(runs: Sequence[Run]) -> int:
    return sum(run.units for run in runs)


def _choose(runs: Sequence[Run], units: UnitChoice) -> list[Run]:
    """Return the units that are chosen; ``runs`` come cheapest first."""
    if units.dearest is not None:
        return take(list(reversed(runs)), units.dearest)
    return take(runs, units.cheapest if units.cheapest is not None else _count(runs) // (units.every or 1))
