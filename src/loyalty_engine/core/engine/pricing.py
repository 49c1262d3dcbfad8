"""Pricing: what promotions take off an order, before anything else is decided about it.

From then on the order *is* what is left to pay: points pay of that, earning counts that, goods come back for that.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from loyalty_engine.core.earning.evaluation import Use
from loyalty_engine.core.earning.index import Seen
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.views import counted_for, view_order
from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.promotions.codes import CodeReason
from loyalty_engine.core.promotions.evaluation import Promoted, promote
from loyalty_engine.core.promotions.nudges import Nudge, find_nudges
from loyalty_engine.core.promotions.open_codes import NOTHING_OPENED, OpenCode, Opened, judge_codes, used_codes
from loyalty_engine.core.promotions.reasons import reasons_of
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Line, Order
from loyalty_engine.core.rules.reasons import PromotionReason
from loyalty_engine.core.rules.view import View


class Priced(NamedTuple):
    """An order after promotions. ``promoted`` tells what they gave and why, None: nobody asked them; ``memory`` is what is
    remembered of those that applied. ``view`` is what they saw of the order. ``codes`` tell what became of promo codes.
    """

    order: Order
    promoted: Promoted | None = None
    memory: tuple[PromotionMemory, ...] = ()
    view: View | None = None
    opened: Opened = NOTHING_OPENED
    codes: tuple[CodeReason, ...] = ()

    @property
    def uses(self) -> tuple[Use, ...]:
        """What promotions and their codes take from limits, also for guests."""
        if self.promoted is None:
            return ()
        return (*self.promoted.uses, *[use for code in self.used_codes for use in code.uses])

    @property
    def used_codes(self) -> tuple[OpenCode, ...]:
        """The codes whose promotions applied."""
        return () if self.promoted is None else used_codes(self.opened, self.promoted)

    @property
    def seen(self) -> Seen | None:
        """The facts by which promotions were found; None: nobody asked them."""
        return None if self.promoted is None else self.promoted.seen

    @property
    def reasons(self) -> tuple[PromotionReason, ...]:
        """Why promotions gave something or did not."""
        return () if self.promoted is None else reasons_of(self.promoted)


def price(
    ruleset: Ruleset,
    order: Order,
    *,
    member: MemberState | None,
    shared: Mapping[str, int],
    now: datetime,
    opened: Opened = NOTHING_OPENED,
) -> Priced:
    """Return what is left to pay of an order, with the room that limits have at ``now``. Promotions see it as the shop reported it."""
    if not ruleset.promotions.promotions and not opened.typed:
        return Priced(order)
    seen = with_decimals(ruleset, order)
    view = view_order(ruleset, seen, member)
    promoted = promote(ruleset.promotions, seen, view, counted_for(member, shared, now), codes=opened.codes)
    codes = judge_codes(opened, promoted)
    return Priced(_after(order, promoted), promoted, promoted.memory, view, opened, codes)


def nudge(
    ruleset: Ruleset, priced: Priced, *, member: MemberState | None, shared: Mapping[str, int], now: datetime
) -> tuple[Nudge, ...]:
    """Return what could be added to the order so that promotions take off more."""
    if priced.promoted is None or priced.view is None:
        return ()
    counted = counted_for(member, shared, now)
    return find_nudges(ruleset.promotions, priced.promoted, priced.view, counted, codes=priced.opened.codes)


def _after(order: Order, promoted: Promoted) -> Order:
    offs: dict[str, int] = {}
    for applied in promoted.applied:
        for line, off in applied.lines.items():
            offs[line] = offs.get(line, 0) + off
    shipping_off = order.shipping - promoted.cart.shipping
    if not offs and not shipping_off:
        return order
    lines = tuple([_cheaper(line, offs[line.id]) if line.id in offs else line for line in order.lines])
    return order.at_prices(lines, promoted.cart.shipping, shipping_off)


def _cheaper(line: Line, off: int) -> Line:
    """Take so much off a line; its tax shrinks with it."""
    line_id, amount, quantity, sku, category, brand, unit, attributes, tax, _ = line
    left = amount - off
    return new(Line, (line_id, left, quantity, sku, category, brand, unit, attributes, tax * left // amount, off))
