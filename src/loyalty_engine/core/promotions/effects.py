"""What each kind of promotion would take off a cart, before any cap: pure arithmetic in whole minor units.

A share is rounded once over all that it is taken of, and then allocated fairly, so that split lines get what joined ones
get.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from loyalty_engine.core.kernel.amounts import Ratio, Rounding, allocate
from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.promotions import (
    AmountOff,
    Bundle,
    BuyGet,
    CodeIssue,
    ExtraPoints,
    Gift,
    PercentOff,
    PointsTimes,
    PromotionEffect,
    ShippingOff,
    Stepped,
    TotalPrice,
    UnitChoice,
    UnitPrice,
)
from loyalty_engine.core.promotions.cart import Cart, Run, cut_out, take, without
from loyalty_engine.core.promotions.matching import pack
from loyalty_engine.core.rules.selections import Selection, compile_selection

WHOLE = Ratio(1, 1)


class Wish(NamedTuple):
    """What a promotion would do: ``offs`` off the slices of ``cart`` at these ``places``, in ascending order, and nothing off
    the others; so much off shipping; goods to add, by SKU; points.

    ``issues`` is the pool out of which it gives a code, and ``multiplies`` is the wallet of which it multiplies what earning rules give: how much that is, they know.
    """

    cart: Cart
    places: Sequence[int]
    offs: Sequence[int]
    shipping_off: int = 0
    gifts: tuple[tuple[str, int], ...] = ()
    points: tuple[str, int] | None = None
    multiplies: str | None = None
    issues: str | None = None


Effect = Callable[[Cart], Wish]

Shares = tuple[Sequence[int], Sequence[int]]
"""Places of slices in ascending order, and so much off each of them."""

Share = Callable[[Cart], Shares]
"""Tells what is off a cart, where that is all that a promotion would do, and slices stay as they are."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all effects of a program go by: what shares are taken of, and how one is rounded."""

    of_list: bool
    rounding: Rounding
    vocabulary: Vocabulary = field(repr=False)

    def select(self, selection: LineSelection | None) -> Selection | None:
        """Return a compiled selection."""
        return None if selection is None else compile_selection(selection, self.vocabulary)


def compile_share(effect: PromotionEffect, terms: Terms) -> Share | None:
    """Return the compiled form of an effect that shares out so much over slices as they are; None for all others."""
    match effect:
        case PercentOff(units=None):
            selection, rate = terms.select(effect.of), Ratio.parse_percent(effect.percent)
            if terms.of_list:
                return lambda cart: _share_off(cart, cart.places(selection), rate, terms)
            return lambda cart: _share_of_rest(cart, cart.places(selection), rate, terms.rounding)
        case AmountOff(each="order", amount=amount):
            selection = terms.select(effect.of)
            return lambda cart: _spread(cart, cart.places(selection), amount)
        case _:
            return None


def compile_effect(effect: PromotionEffect, terms: Terms) -> Effect:
    """Return the compiled form of an effect that ``check_program`` found no error in."""
    share = compile_share(effect, terms)
    if share is not None:
        return lambda cart: _off(cart, share(cart))
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
            return lambda cart: _nothing(cart)._replace(points=(wallet, points))
        case PointsTimes():
            return _points_times(effect, terms)
        case CodeIssue(pool=pool):
            return lambda cart: _nothing(cart)._replace(issues=pool)
        case _:
            assert_never(effect)


def within_floor(floor: Ratio, wish: Wish) -> Wish:
    """Return the wish that leaves of each line what it must still cost, whatever others took off it before."""
    cart, offs = wish.cart, [0] * len(wish.cart.lines)
    for place, off in zip(wish.places, wish.offs, strict=True):
        offs[place] = off
    for places in cart.by_line(range(len(cart.lines))):
        wanted = [offs[place] for place in places]
        least = floor.of(sum([cart.listed[place] for place in places]), "ceil")
        room = max(sum([cart.amounts[place] for place in places]) - least, 0)
        if sum(wanted) > room:
            for place, off in zip(places, allocate(room, wanted), strict=True):
                offs[place] = off
    return wish._replace(places=range(len(offs)), offs=offs)


def _off(cart: Cart, shares: Shares) -> Wish:
    """Return the wish that only takes something off slices."""
    return Wish(cart, *shares)


def _nothing(cart: Cart) -> Wish:
    return Wish(cart, (), ())


def _share_off(cart: Cart, places: Sequence[int], rate: Ratio, terms: Terms) -> Shares:
    """Take a share of these slices off them.

    What is more than the rest of a slice is not taken off the others: their share of a list price stays what it is.
    """
    if not terms.of_list:
        return _share_of_rest(cart, places, rate, terms.rounding)
    bases = [cart.listed[place] for place in places]
    shares = allocate(rate.of(sum(bases), terms.rounding), bases)
    return places, list(map(min, shares, cart.amounts_at(places)))


def _share_of_rest(cart: Cart, places: Sequence[int], rate: Ratio, rounding: Rounding) -> Shares:
    """Take a share of what promotions before left of these slices."""
    amounts = cart.amounts_at(places)
    return places, allocate(rate.of(sum(amounts), rounding), amounts)


def _spread(cart: Cart, places: Sequence[int], total: int) -> Shares:
    """Take ``total`` off these slices, as far as they go, in proportion to what is left of them."""
    amounts = cart.amounts_at(places)
    return places, allocate(total, amounts) if total < sum(amounts) else amounts


def _cost(cart: Cart, places: Sequence[int]) -> int:
    return sum(cart.amounts_at(places))


def _percent_off(effect: PercentOff, terms: Terms) -> Effect:
    selection, rate, units = terms.select(effect.of), Ratio.parse_percent(effect.percent), effect.units
    assert units is not None

    def wish(cart: Cart) -> Wish:
        cart, (places,) = cut_out(cart, _choose(cart.runs(cart.places(selection)), units), is_bound=False)
        return _off(cart, _share_off(cart, places, rate, terms))

    return wish


def _amount_off(effect: AmountOff, terms: Terms) -> Effect:
    selection, amount = terms.select(effect.of), effect.amount
    if effect.each == "line":
        return lambda cart: _off_lines(cart, cart.places(selection), amount)
    return lambda cart: _off_units(
        cart, cart.runs(cart.places(selection), with_bound=True), lambda worth: min(worth, amount)
    )


def _off_lines(cart: Cart, places: Sequence[int], amount: int) -> Wish:
    offs: list[int] = []
    for own in cart.by_line(places):
        offs += _spread(cart, own, amount)[1]
    return Wish(cart, places, offs)


def _unit_price(effect: UnitPrice, terms: Terms) -> Effect:
    selection, price = terms.select(effect.of), effect.price

    def wish(cart: Cart) -> Wish:
        runs = cart.runs(cart.places(selection), with_bound=effect.units is None)
        chosen = runs if effect.units is None else _choose(runs, effect.units)
        return _off_units(cart, chosen, lambda worth: max(worth - price, 0))

    return wish


def _off_units(cart: Cart, runs: Sequence[Run], off: Callable[[int], int]) -> Wish:
    offs = [0] * len(cart.amounts)
    for worth, place, count in runs:
        offs[place] += off(worth) * count
    return Wish(cart, range(len(offs)), offs)


def _total_price(effect: TotalPrice, terms: Terms) -> Effect:
    selection, price = terms.select(effect.of), effect.price

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        return _off(cart, _spread(cart, places, max(_cost(cart, places) - price, 0)))

    return wish


def _shipping_off(effect: ShippingOff, terms: Terms) -> Effect:
    rate = WHOLE if effect.percent is None else Ratio.parse_percent(effect.percent)

    def wish(cart: Cart) -> Wish:
        off = (
            effect.amount
            if effect.amount is not None
            else rate.of(cart.listed_shipping if terms.of_list else cart.shipping, terms.rounding)
        )
        return _nothing(cart)._replace(shipping_off=min(off, cart.shipping))

    return wish


def _stepped(effect: Stepped, terms: Terms) -> Effect:
    selection = terms.select(effect.of)
    steps = [
        (step.at_least, step.amount or 0, None if step.percent is None else Ratio.parse_percent(step.percent))
        for step in effect.steps
    ]

    def wish(cart: Cart) -> Wish:
        places = cart.places(selection)
        listed = sum([cart.listed[place] for place in places])
        reached = [(amount, rate) for at_least, amount, rate in steps if at_least <= listed]
        if not reached:
            return _nothing(cart)
        amount, rate = reached[-1]
        return _off(cart, _spread(cart, places, amount) if rate is None else _share_off(cart, places, rate, terms))

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
        return _off(cart, _share_off(cart, cheaper, rate, terms))

    return wish


def _bundle(effect: Bundle, terms: Terms) -> Effect:
    selections = [terms.select(part.of) for part in effect.parts]
    needs = [part.quantity for part in effect.parts]
    rate = None if effect.percent is None else Ratio.parse_percent(effect.percent)

    def wish(cart: Cart) -> Wish:
        # The dearest units come first, so that the bundles save most.
        there = cart.units_for(selections)
        times, used = pack(needs, [(fits, run.units) for fits, run in there], effect.repeat)
        if not times:
            return _nothing(cart)
        units = [run._replace(units=count) for (_, run), count in zip(there, used, strict=True) if count]
        cart, (bundled,) = cut_out(cart, units, is_bound=True)
        if rate is not None:
            return _off(cart, _share_off(cart, bundled, rate, terms))
        if effect.amount is not None:
            return _off(cart, _spread(cart, bundled, effect.amount * times))
        return _off(cart, _spread(cart, bundled, max(_cost(cart, bundled) - (effect.price or 0) * times, 0)))

    return wish


def _gift(effect: Gift, terms: Terms) -> Effect:
    selection = terms.select(effect.of)
    per_quantity = None if effect.per_quantity is None else parse_quantity(str(effect.per_quantity))

    def wish(cart: Cart) -> Wish:
        times = _gift_times(cart, cart.places(selection), effect.per_amount, per_quantity)
        count = effect.quantity * times
        count = count if effect.most is None else min(count, effect.most)
        if not count:
            return _nothing(cart)
        there = [place for place, line in enumerate(cart.lines) if line.sku == effect.sku]
        given = take(cart.runs(there), count)
        cart, (free,) = cut_out(cart, given, is_bound=True)
        missing = count - _count(given)
        return Wish(cart, free, cart.amounts_at(free), gifts=((effect.sku, missing),) if missing else ())

    return wish


def _gift_times(cart: Cart, places: Sequence[int], per_amount: int | None, per_quantity: int | None) -> int:
    """Return how often a gift is due."""
    times = []
    if per_amount is not None:
        times.append(sum([cart.listed[place] for place in places]) // per_amount)
    if per_quantity is not None:
        bought = {id(cart.lines[place]): cart.lines[place].quantity for place in places}
        times.append(sum(bought.values()) // per_quantity)
    return min(times, default=1)


def _points_times(effect: PointsTimes, terms: Terms) -> Effect:
    selection = terms.select(effect.of)

    def wish(cart: Cart) -> Wish:
        is_there = selection is None or cart.places(selection)
        return _nothing(cart)._replace(multiplies=effect.wallet) if is_there else _nothing(cart)

    return wish


def _count(runs: Sequence[Run]) -> int:
    return sum([run.units for run in runs])


def _choose(runs: Sequence[Run], units: UnitChoice) -> list[Run]:
    """Return the units that are chosen; ``runs`` come cheapest first."""
    if units.dearest is not None:
        return take(list(reversed(runs)), units.dearest)
    return take(runs, units.cheapest if units.cheapest is not None else _count(runs) // (units.every or 1))
