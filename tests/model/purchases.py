"""Orders of a naive program: what they earn, what is left of them, and what comes back, computed from nothing each time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import gcd
from typing import Literal

from tests.model.calendar import Life
from tests.model.ladders import Ladder
from tests.model.purse import Lot, Purse, RefusedError, Use
from tests.model.stays import Plan

POINTS = "points"
Group = tuple[str, bool]
"""A wallet, and whether its points wait for a confirmation by the rule's own will."""


@dataclass(frozen=True)
class Inviting:
    """What friends and those who brought them get: so many ``points`` for a friend's first order of ``least`` that stood for
    ``settles`` days, and for its advocate what the rung says to which its number leads, for ``most`` of them.
    """

    least: int = 1000
    within: int = 30
    settles: int = 0
    points: int = 30
    rungs: Sequence[tuple[int, int]] = ((1, 50), (2, 80))
    most: int = 2


@dataclass(frozen=True)
class Rules:
    """A program: how points live, what they are worth, and the policies of returns.

    Every order earns a point per euro of goods, ten points from 30 euros on, a stamp per unit of coffee, and three miles
    for two euros, and four points for who is in the plan "club". ``big_waits``: the ten points wait to be confirmed, whatever the wallet says. A member gets a mug with
    each of ``mugs`` orders, or carts that are being paid; for one code a tote, once, and for another one a pin, of which
    there are so many for all. ``codes_stay``: what is void gives no use of a code back.
    """

    lives: Mapping[str, Life]
    worth: tuple[int, int] = (1, 1)
    step: int = 1
    least: int = 5
    share: int = 100
    policy: Literal["recomputed", "proportional", "none"] = "recomputed"
    clawback: Literal["debt", "clamp", "refuse"] = "debt"
    grace_days: int | None = 7
    waiting_days: int = 5
    big_waits: bool = False
    mugs: int = 1
    pins: int = 2
    codes_stay: bool = False
    ladders: tuple[Ladder, ...] = ()
    friends: Inviting = Inviting()
    plans: tuple[Plan, ...] = ()

    def value_of(self, points: int) -> int:
        """Return what points pay, in cents."""
        return points * self.worth[1] // self.worth[0]

    def most(self, available: int, total: int) -> int:
        """Return the most points that may pay."""
        payable = total * self.share // 100 * self.worth[0] // self.worth[1]
        points = min(available, payable) // self.step * self.step
        return points if points >= self.least else 0

    def check(self, points: int) -> None:
        """Refuse an amount that cannot be spent at all."""
        if points < self.least:
            raise RefusedError("points_below_minimum")
        if points % self.step:
            raise RefusedError("points_not_in_step")

    def groups(self, points: Mapping[str, int]) -> dict[Group, int]:
        """Add up what rules give by wallet and way of waiting."""
        sums: dict[Group, int] = {}
        for rule, amount in points.items():
            group = WALLETS[rule], rule == "big" and self.big_waits
            sums[group] = sums.get(group, 0) + amount
        return sums

    def waits(self, group: Group) -> bool:
        """Tell whether such points wait to be confirmed."""
        return group[1] or self.lives[group[0]].wait is None


WALLETS = {"base": POINTS, "big": POINTS, "club": POINTS, "beans": "stamps", "miles": "miles"}


@dataclass(frozen=True)
class Line:
    """One position of an order."""

    id: str
    amount: int
    quantity: int
    category: str

    @property
    def rank(self) -> tuple[int, str, int, str]:
        """The order in which odd cents are given out."""
        return (-self.amount, self.category, self.quantity, self.id)


@dataclass
class Back:
    """All that came back of an order so far: pieces by line, money without lines, shipping."""

    pieces: dict[str, int] = field(default_factory=dict)
    amount: int = 0
    shipping: int = 0


@dataclass
class Fate:
    """Where an order stands: ``kept`` points by rule, ``active`` points of waiting rules by wallet."""

    refunded: int = 0
    restored: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    left: int = 0
    is_gone: bool = False


@dataclass(eq=False)
class Purchase:
    """An order with everything that became of it.

    ``own`` lots brought its points, ``parts`` of them were split off by returns, ``graces`` are lots of points that paid
    and came back too old. ``taken`` counts what returns took of which lots, ``counted`` what the order has given by now, by wallet. ``codes`` are those that were typed, and whether
    they were used. ``is_clubs``: its buyer was in the club.
    """

    number: str
    buyer: Purse | None
    placed: datetime
    lines: list[Line]
    shipping: int
    paid: int = 0
    paid_points: int = 0
    id: str = ""
    uses: list[Use] = field(default_factory=list)
    earned: dict[str, int] = field(default_factory=dict)
    back: Back = field(default_factory=Back)
    confirmed: dict[str, int] | None = field(default_factory=dict)
    fate: Fate = field(default_factory=Fate)
    own: list[Lot] = field(default_factory=list)
    parts: list[Lot] = field(default_factory=list)
    graces: list[Lot] = field(default_factory=list)
    taken: Counter[Lot] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    is_confirming: bool = False
    is_clubs: bool = False
    gifts: set[str] = field(default_factory=set)
    codes: dict[str, bool] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Goods and shipping."""
        return sum(line.amount for line in self.lines) + self.shipping


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split in proportion; odd units go to the largest remainders, then to the first."""
    whole = sum(weights)
    if not whole:
        return [total if n == 0 else 0 for n in range(len(weights))]
    parts = [total * weight // whole for weight in weights]
    for _ in range(total - sum(parts)):
        shortest = max(range(len(weights)), key=lambda n: (total * weights[n] - parts[n] * whole, -n))
        parts[shortest] += 1
    return parts


def gains(lines: Sequence[Line], shipping: int, paid: int, *, is_clubs: bool) -> dict[str, int]:
    """Return what goods earn, by rule, when points paid a part of them."""
    goods = sum(line.amount for line in lines)
    weights = [line.amount for line in sorted(lines, key=lambda line: line.rank)]
    base = goods - sum(split(min(paid, goods + shipping), [*weights, shipping])[:-1])
    found = {
        "base": base // 100,
        "big": 10 if goods >= 3000 else 0,
        "club": 4 if is_clubs else 0,
        "beans": sum(line.quantity for line in lines if line.category == "coffee"),
        "miles": 3 * base // 200,
    }
    return {rule: points for rule, points in found.items() if points}


def left_of(order: Purchase, back: Back) -> list[Line]:
    """Return what the customer still has."""
    lines = []
    for line in order.lines:
        pieces = back.pieces.get(line.id)
        if pieces is None:
            lines.append(line)
        elif pieces < line.quantity:
            amount = line.amount - line.amount * pieces // line.quantity
            lines.append(Line(line.id, amount, line.quantity - pieces, line.category))
    lines.sort(key=lambda line: line.rank)
    off = split(min(back.amount, sum(line.amount for line in lines)), [line.amount for line in lines])
    return [
        Line(line.id, line.amount - less, line.quantity, line.category) for line, less in zip(lines, off, strict=True)
    ]


def add_back(order: Purchase, goods: Back, *, all_pieces: bool = False) -> Back:
    """Return all that came back with ``goods``; refuse what the customer does not have. A line of -1 pieces: the rest."""
    back = Back(dict(order.back.pieces), order.back.amount + goods.amount, order.back.shipping + goods.shipping)
    if goods.amount > sum(line.amount for line in left_of(order, order.back)):
        raise RefusedError("return_exceeds_order")
    if back.shipping > order.shipping:
        raise RefusedError("return_exceeds_order")
    lines = {line.id: line for line in order.lines}
    for line_id, wanted in goods.pieces.items():
        if line_id not in lines:
            raise RefusedError("order_line_not_found")
        left = lines[line_id].quantity - back.pieces.get(line_id, 0)
        pieces = left if wanted < 0 else wanted
        if pieces > left or (not left and line_id in back.pieces):
            raise RefusedError("return_exceeds_order")
        if not pieces and lines[line_id].quantity:
            raise RefusedError("return_empty")
        back.pieces[line_id] = back.pieces.get(line_id, 0) + pieces
    return back


def fate_of(rules: Rules, order: Purchase, back: Back, *, is_void: bool = False) -> Fate:
    """Return where an order stands when all of ``back`` came back: as if it had come at once."""
    lines, shipping = left_of(order, back), order.shipping - back.shipping
    goods, bought = sum(line.amount for line in lines), sum(line.amount for line in order.lines)
    came = order.total - goods - shipping
    unit = gcd(order.paid_points, order.paid)
    units = unit * came // order.total if order.total else unit
    worth = order.paid // unit * units if unit else 0
    fate = Fate(refunded=came - worth, restored=order.paid_points // unit * units if unit else 0, left=goods + shipping)
    fate.is_gone = not lines or (goods == 0 and bought > 0)
    if order.buyer is not None:
        fate.kept = kept_points(rules, order, lines, shipping=shipping, paid=order.paid - worth, is_void=is_void)
        if rules.clawback == "clamp":  # what was taken or forgiven once is not given again
            fate.kept = {rule: min(points, order.fate.kept.get(rule, 0)) for rule, points in fate.kept.items()}
        fate.active = active_points(rules, order, lines, back, fate.kept)
    return fate


def kept_points(
    rules: Rules, order: Purchase, lines: Sequence[Line], *, shipping: int, paid: int, is_void: bool
) -> dict[str, int]:
    """Return the points that the customer keeps, by rule."""
    if is_void:
        return {}
    if rules.policy == "none":
        return dict(order.earned)
    if not lines:
        return {}
    if rules.policy == "proportional":
        goods, bought = sum(line.amount for line in lines), sum(line.amount for line in order.lines)
        if not bought:
            return dict(order.earned)
        return {rule: points - points * (bought - goods) // bought for rule, points in order.earned.items()}
    again = gains(lines, shipping, paid, is_clubs=order.is_clubs)
    return {rule: min(points, again.get(rule, 0)) for rule, points in order.earned.items()}


def active_points(
    rules: Rules, order: Purchase, lines: Sequence[Line], back: Back, kept: Mapping[str, int]
) -> dict[str, int]:
    """Return how many of the points that wait for a confirmation can be spent, by wallet."""
    waiting = {group[0]: points for group, points in rules.groups(kept).items() if rules.waits(group)}
    if order.confirmed is None:
        return waiting
    value = whole = 0
    is_whole = True
    for line in lines:
        here = order.confirmed.get(line.id)
        pieces = -1 if here is None else min(max(here - back.pieces.get(line.id, 0), -1), line.quantity)
        is_whole = is_whole and pieces == line.quantity
        whole += line.amount
        if line.quantity:
            value += line.amount * max(pieces, 0) // line.quantity
        elif pieces == 0:
            value += line.amount
    if is_whole:
        return waiting
    return {wallet: points * value // whole if whole else 0 for wallet, points in waiting.items()}
