"""The cart that promotions take from: what is left to pay of each line, and which units are spoken for.

A line is one slice at first. Where a promotion takes some of its units, these become a slice of their own, so that what
each unit costs by now is known without ever listing units: a line of fuel has thousands of them.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, Self

from loyalty_engine.core.earning.base import canonical
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.order import Line, Order
from loyalty_engine.core.rules.reasons import new
from loyalty_engine.core.rules.selections import GroupedLines, Selection


class Slice(NamedTuple):
    """Some units of a line, or the whole line: ``units`` is 0 where its quantity is no whole number of them.

    ``listed`` is what the shop reported for it, ``amount`` what is left of that. What is in a bundle ``is_bound``: no
    other one can have it. A named tuple, because each promotion makes new ones of all lines that it makes cheaper.
    """

    line: Line
    units: int
    listed: int
    amount: int
    is_bound: bool = False


class Run(NamedTuple):
    """``units`` units of the slice at ``place`` that cost ``worth`` each."""

    worth: int
    place: int
    units: int


class Cart(NamedTuple):
    """Slices in canonical order of their lines, so that nothing depends on the order in which lines were sent.

    Lines of the same goods at the same price per unit are one line here, so that nothing depends on how a till splits
    them either: ``joined`` has those that became one, by its id.
    """

    slices: tuple[Slice, ...]
    shipping: int
    listed_shipping: int
    grouped: GroupedLines
    joined: Mapping[str, Sequence[Line]]

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return the cart of an order that no promotion has touched."""
        lines, joined = _join(sorted(order.lines, key=canonical))
        slices = tuple([new(Slice, (line, _whole_units(line), line.amount, line.amount, False)) for line in lines])
        return cls(slices, order.shipping, order.shipping, GroupedLines(lines), joined)

    def places(self, selection: Selection | None) -> Sequence[int]:
        """Return the places of the slices that are meant."""
        if selection is None:
            return range(len(self.slices))
        picked = {id(line) for line in selection.pick(self.grouped)}
        return [place for place, piece in enumerate(self.slices) if id(piece.line) in picked] if picked else ()

    def lines(self, places: Iterable[int]) -> Iterator[list[int]]:
        """Yield the places, in ascending order, of each line by itself."""
        slices = self.slices
        for _, own in groupby(places, key=lambda place: id(slices[place].line)):
            yield list(own)

    def runs(self, places: Iterable[int], *, with_bound: bool = False) -> list[Run]:
        """Return the units of these slices, cheapest first; of bundles only ``with_bound``. The odd cents are on a few."""
        runs = []
        for place in places:
            piece = self.slices[place]
            if piece.units and (with_bound or not piece.is_bound):
                worth, odd = divmod(piece.amount, piece.units)
                runs += [Run(worth + 1, place, odd)] if odd else []
                runs.append(Run(worth, place, piece.units - odd))
        return sorted(runs)

    def units_for(self, parts: Sequence[Selection | None]) -> list[tuple[frozenset[int], Run]]:
        """Return the units that would do for any of the parts, dearest first, each with the parts for which they would."""
        fits: dict[int, list[int]] = {}
        for part, selection in enumerate(parts):
            for place in self.places(selection):
                fits.setdefault(place, []).append(part)
        return [(frozenset(fits[run.place]), run) for run in reversed(self.runs(fits))]

    def pay_less(self, offs: Sequence[int], shipping_off: int = 0) -> "Cart":
        """Return the cart after so much is off each slice."""
        slices = tuple(
            [
                new(Slice, (piece.line, piece.units, piece.listed, piece.amount - off, piece.is_bound))
                if off
                else piece
                for piece, off in zip(self.slices, offs, strict=True)
            ]
        )
        return Cart(slices, self.shipping - shipping_off, self.listed_shipping, self.grouped, self.joined)


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
    for place, piece in enumerate(cart.slices):
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
    return cart._replace(slices=tuple(slices)), places


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


def _join(lines: list[Line]) -> tuple[list[Line], Mapping[str, Sequence[Line]]]:
    """Join the lines that only differ in how many units they have; also return which became one."""
    alike: dict[Hashable, list[Line]] = {}
    for line in lines:
        alike.setdefault(_goods(line), []).append(line)
    if len(alike) == len(lines):
        return lines, {}
    whole = [group[0] if len(group) == 1 else _sum(group) for group in alike.values()]
    return sorted(whole, key=canonical), {group[0].id: group for group in alike.values() if len(group) > 1}


def _goods(line: Line) -> Hashable:
    """Return by what units are told apart: the goods, and the price of one without its odd cents."""
    units = _whole_units(line)
    if not units:
        return line.id
    attributes = repr(sorted(line.attributes.items())) if line.attributes else ""
    return line.sku, line.category, line.brand, line.unit, attributes, line.amount // units


def _sum(lines: Sequence[Line]) -> Line:
    return replace(
        lines[0],
        amount=sum([line.amount for line in lines]),
        quantity=sum([line.quantity for line in lines]),
        tax=sum([line.tax for line in lines]),
    )


def _whole_units(line: Line) -> int:
    units, rest = divmod(line.quantity, SCALE)
    return 0 if rest else units
