"""The cart that promotions take from: what is left to pay of each line, and which units are spoken for.

A line is one slice at first. Where a promotion takes some of its units, these become a slice of their own, so that what
each unit costs by now is known without ever listing units: a line of fuel has thousands of them.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, Self

from loyalty_engine.core.earning.base import canonical
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.rules.order import Line, Order, line_reader
from loyalty_engine.core.rules.selections import GroupedLines, Selection

_AMOUNT: Final = line_reader("amount")


class Slice(NamedTuple):
    """Some units of a line, or the whole line: ``units`` is 0 where its quantity is no whole number of them.

    ``listed`` is what the shop reported for it, ``amount`` what is left of that. What is in a bundle ``is_bound``: no
    other one can have it.
    """

    line: Line
    units: int
    listed: int
    amount: int
    is_bound: bool


class Run(NamedTuple):
    """``units`` units of the slice at ``place`` that cost ``worth`` each."""

    worth: int
    place: int
    units: int


class Cart(NamedTuple):
    """Slices in canonical order of their lines, so that nothing depends on the order in which lines were sent.

    They are kept in columns, by what there is to know of each, because a promotion makes new ``amounts`` and keeps the rest.
    Lines of the same goods at the same price per unit are one line here, so that nothing depends on how a till splits
    them either: ``joined`` has those that became one, by its id.
    """

    lines: Sequence[Line]
    units: Sequence[int]
    listed: Sequence[int]
    amounts: Sequence[int]
    bound: Sequence[bool]
    shipping: int
    listed_shipping: int
    grouped: GroupedLines
    joined: Mapping[str, Sequence[Line]]

    @classmethod
    def of(cls, order: Order, grouped: GroupedLines | None = None) -> Self:
        """Return the cart of an order that no promotion has touched. ``grouped`` are its lines, where somebody did that."""
        lines = sorted(order.lines, key=_AMOUNT, reverse=True)
        joined: Mapping[str, Sequence[Line]] = {}
        amounts, units, may_be_joined = _measure(lines)
        if len(set(amounts)) < len(amounts):  # only where some cost the same does it take more to have one order
            lines = canonical(lines)
            amounts, units, may_be_joined = _measure(lines)
        if may_be_joined:
            lines, joined = _join(lines, units)
            amounts, units, _ = _measure(lines)
        if grouped is None or joined:
            grouped = GroupedLines(lines)
        bound, shipping = [False] * len(lines), order.shipping
        return new(cls, (lines, units, amounts, amounts, bound, shipping, shipping, grouped, joined))

    def slices(self) -> list[Slice]:
        """Return the slices, each with all that there is to know of it."""
        return list(map(Slice, self.lines, self.units, self.listed, self.amounts, self.bound))

    def of_slices(self, slices: Sequence[Slice]) -> "Cart":
        """Return the cart with its lines cut into other slices."""
        lines, units, listed, amounts, bound = (
            (list(column) for column in zip(*slices, strict=True)) if slices else ([],) * 5
        )
        return self._replace(lines=lines, units=units, listed=listed, amounts=amounts, bound=bound)

    def places(self, selection: Selection | None) -> Sequence[int]:
        """Return the places of the slices that are meant."""
        if selection is None:
            return range(len(self.lines))
        if selection.places is not None:
            return selection.places(self.lines)
        picked = set(map(id, selection.pick(self.grouped)))
        return [place for place, line in enumerate(self.lines) if id(line) in picked] if picked else ()

    def amounts_at(self, places: Sequence[int]) -> Sequence[int]:
        """Return what is left of the slices at these places, no two of which are the same."""
        amounts = self.amounts
        return amounts if len(places) == len(amounts) else [amounts[place] for place in places]

    def by_line(self, places: Iterable[int]) -> Iterator[list[int]]:
        """Yield the places, in ascending order, of each line by itself."""
        for _, own in groupby(places, key=lambda place: id(self.lines[place])):
            yield list(own)

    def runs(self, places: Iterable[int], *, with_bound: bool = False) -> list[Run]:
        """Return the units of these slices, cheapest first; of bundles only ``with_bound``. The odd cents are on a few."""
        runs = []
        for place in places:
            units = self.units[place]
            if units and (with_bound or not self.bound[place]):
                worth, odd = divmod(self.amounts[place], units)
                runs += [Run(worth + 1, place, odd)] if odd else []
                runs.append(Run(worth, place, units - odd))
        return sorted(runs)

    def units_for(self, parts: Sequence[Selection | None]) -> list[tuple[frozenset[int], Run]]:
        """Return the units that would do for any of the parts, dearest first, each with the parts for which they would."""
        fits: dict[int, list[int]] = {}
        for part, selection in enumerate(parts):
            for place in self.places(selection):
                fits.setdefault(place, []).append(part)
        return [(frozenset(fits[run.place]), run) for run in reversed(self.runs(fits))]

    def pay_less(
        self, places: Sequence[int], offs: Sequence[int], shipping_off: int
    ) -> tuple["Cart", Mapping[str, int]]:
        """Return the cart after so much is off the slices at these places, and what that is for each line, by its id."""
        lines, units, listed, amounts, bound, shipping, listed_shipping, grouped, joined = self
        left = [*amounts]
        by_line: dict[str, int] = {}
        for place, off in zip(places, offs):  # noqa: B905 - strict=True takes a quarter of this function's time
            if off:
                left[place] -= off
                line = lines[place].id
                by_line[line] = by_line[line] + off if line in by_line else off
        shipping -= shipping_off
        return new(Cart, (lines, units, listed, left, bound, shipping, listed_shipping, grouped, joined)), by_line


def take(runs: Iterable[Run], wanted: int) -> list[Run]:
    """Return the first ``wanted`` units of the runs, or all of them."""
    taken = []
    for run in runs:
        if wanted <= 0:
            break
        taken.append(run._replace(units=min(run.units, wanted)))
        wanted -= run.units
    return taken


def without(runs: Sequence[Run], taken: Iterable[Run]) -> list[Run]:
    """Return the runs without the units that were taken of them."""
    gone: dict[tuple[int, int], int] = {}
    for worth, place, units in taken:
        gone[worth, place] = gone.get((worth, place), 0) + units
    left = [run._replace(units=run.units - gone.get((run.worth, run.place), 0)) for run in runs]
    return [run for run in left if run.units]


def cut_out(cart: Cart, *shares: Iterable[Run], is_bound: bool) -> tuple[Cart, list[list[int]]]:
    """Return the cart in which units are slices of their own, and for each share the places of its slices."""
    cuts = [_by_place(share) for share in shares]
    slices: list[Slice] = []
    places: list[list[int]] = [[] for _ in cuts]
    for place, piece in enumerate(cart.slices()):
        rest = piece
        for number, cut in enumerate(cuts):
            if place not in cut:
                continue
            units, amount = cut[place]
            listed = _listed_share(rest, units, amount)
            places[number].append(len(slices))
            slices.append(Slice(piece.line, units, listed, amount, is_bound or piece.is_bound))
            rest = rest._replace(units=rest.units - units, listed=rest.listed - listed, amount=rest.amount - amount)
        if rest.units or rest is piece:
            slices.append(rest)
    return cart.of_slices(slices), places


def _listed_share(piece: Slice, units: int, amount: int) -> int:
    """Return what was reported for units that cost ``amount`` by now: never less, so that the odd cent goes with them."""
    if piece.amount:
        return piece.listed * amount // piece.amount
    return piece.listed * units // piece.units


def _by_place(share: Iterable[Run]) -> dict[int, tuple[int, int]]:
    """Return how many units are taken of each slice, and what they cost together."""
    taken: dict[int, tuple[int, int]] = {}
    for worth, place, units in share:
        before, amount = taken.get(place, (0, 0))
        taken[place] = before + units, amount + worth * units
    return taken


def _measure(lines: Sequence[Line]) -> tuple[list[int], list[int], bool]:
    """Return what each line costs and how many units it has: 0 where that is no whole number. Also tell quickly of most
    orders that no lines in them are alike: nothing costs the same per unit.
    """
    amounts, units = [], []
    prices: set[int | str] = set()
    for line in lines:
        amount, quantity = line.amount, line.quantity
        amounts.append(amount)
        if quantity == SCALE:
            units.append(1)
            prices.add(amount)
        else:
            count = 0 if quantity % SCALE else quantity // SCALE
            units.append(count)
            prices.add(amount // count if count else line.id)
    return amounts, units, len(prices) < len(lines)


def _join(lines: list[Line], units: Sequence[int]) -> tuple[list[Line], Mapping[str, Sequence[Line]]]:
    """Join the lines that only differ in how many units they have; also return which became one."""
    alike: dict[Hashable, list[Line]] = {}
    for line, count in zip(lines, units, strict=True):
        alike.setdefault(_goods(line, count), []).append(line)
    if len(alike) == len(lines):
        return lines, {}
    whole = [group[0] if len(group) == 1 else _sum(group) for group in alike.values()]
    return canonical(whole), {group[0].id: group for group in alike.values() if len(group) > 1}


def _goods(line: Line, units: int) -> Hashable:
    """Return by what units are told apart: the goods, and the price of one without its odd cents."""
    if not units:
        return line.id
    attributes = repr(sorted(line.attributes.items())) if line.attributes else ""
    return line.sku, line.category, line.brand, line.unit, attributes, line.amount // units


def _sum(lines: Sequence[Line]) -> Line:
    return lines[0]._replace(
        amount=sum([line.amount for line in lines]),
        quantity=sum([line.quantity for line in lines]),
        tax=sum([line.tax for line in lines]),
    )


def unjoin(given: Iterable[Mapping[str, int]], joined: Mapping[str, Sequence[Line]]) -> Iterator[Mapping[str, int]]:
    """Share out what one promotion after the other took off joined lines to those that the shop sent."""
    left = {line.id: line.amount for lines in joined.values() for line in lines}
    for offs in given:
        shared: dict[str, int] = {}
        for name, off in offs.items():
            lines = joined.get(name)
            if lines is None:
                shared[name] = off
                continue
            for line, share in zip(lines, allocate(off, [left[line.id] for line in lines]), strict=True):
                left[line.id] -= share
                if share:
                    shared[line.id] = share
        yield shared
