"""What is left of an order after goods came back, and what is paid back for them. Amounts are minor units.

A line of quantity q whose part r came back is worth amount - floor(amount × r / q): computed from the sums, so that any
way of splitting a return ends at the same cents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import gcd

from loyalty_engine.core.earning.base import canonical
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.quantities import show_quantity
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, Order


@dataclass(frozen=True, slots=True)
class Payment:
    """What points paid of an order: ``points`` that were worth ``amount`` minor units."""

    points: int
    amount: int

    def share(self, part: int, whole: int) -> "Payment":
        """Return what comes back of it for ``part`` of ``whole``: as many points as are worth whole minor units."""
        units = gcd(self.points, self.amount)
        back = units * part // whole if whole else units
        return Payment(self.points // units * back, self.amount // units * back)


def everything(order: Order, state: OrderState) -> Goods:
    """Return all that is left of an order, shipping too."""
    lines = {line.id: None for line in order.lines if not _is_back(line, state)}
    return Goods(lines=lines, shipping=order.shipping - state.shipping)


def bring_back(order: Order, state: OrderState, goods: Goods) -> OrderState:
    """Return the state after ``goods`` came back; refuse what the customer does not have any more.

    Money is not computed yet: ``refunded`` and ``restored`` are as before.
    """
    left = sum(line.amount for line in _lines_left(order, state.lines)) - returned_without_lines(order, state)
    if goods.amount > left:
        refuse(RefusalCode.RETURN_EXCEEDS_ORDER, "/amount", wanted=goods.amount, left=left)
    if goods.shipping > order.shipping - state.shipping:
        left = order.shipping - state.shipping
        refuse(RefusalCode.RETURN_EXCEEDS_ORDER, "/shipping", wanted=goods.shipping, left=left)
    return replace(
        state,
        lines=add_lines(order, state.lines, goods.lines),
        amount=state.amount + goods.amount,
        shipping=state.shipping + goods.shipping,
    )


def add_lines(order: Order, before: Mapping[str, int], more: Mapping[str, int | None]) -> dict[str, int]:
    """Return cumulative quantities by line with ``more`` of them; refuse more than was bought."""
    after = dict(before)
    by_id = {line.id: line for line in order.lines}
    for place, (line_id, quantity) in enumerate(more.items()):
        line = by_id.get(line_id)
        if line is None:
            refuse(RefusalCode.ORDER_LINE_NOT_FOUND, f"/lines/{place}/id", line=line_id)
        earlier = before.get(line_id, 0)
        left = line.quantity - earlier
        wanted = left if quantity is None else quantity
        if wanted > left or (left == 0 and line_id in before):
            refuse(
                RefusalCode.RETURN_EXCEEDS_ORDER,
                f"/lines/{place}/quantity",
                line=line_id,
                bought=show_quantity(line.quantity),
                returned=show_quantity(earlier),
                wanted=show_quantity(wanted),
            )
        if wanted == 0 and line.quantity:
            refuse(RefusalCode.RETURN_EMPTY, f"/lines/{place}/quantity", line=line_id)
        after[line_id] = earlier + wanted
    return after


def keep(order: Order, state: OrderState) -> Order:
    """Return what the customer has of an order: fewer goods, for less money, paid with less of each tender.

    What promotions take off that is their share of what they took off all of it, unless it was priced again.
    """
    lines = canonical(list(_lines_left(order, state.lines)))
    shares = allocate(returned_without_lines(order, state), [line.amount for line in lines])
    reduced = {line.id: _shrink(line, line.amount - share) for line, share in zip(lines, shares, strict=True)}
    kept = replace(
        order,
        lines=tuple(reduced[line.id] for line in order.lines if line.id in reduced),
        shipping=order.shipping - state.shipping,
        shipping_off=_off(order.shipping, order.shipping_off, order.shipping - state.shipping),
    )
    if state.offs is not None:
        kept = _price(kept, state.offs, state.shipping_off)
    total, left = order.total, kept.total
    tenders = tuple(replace(tender, amount=tender.amount * left // total if total else 0) for tender in order.tenders)
    return replace(kept, tenders=tenders)


def returned_without_lines(order: Order, state: OrderState) -> int:
    """Return how much money came back without lines: never more than what the lines left are worth."""
    return min(state.amount, sum(line.amount for line in _lines_left(order, state.lines)))


def has_gone(order: Order, kept: Order) -> bool:
    """Tell whether nothing is left of the goods: what promotions gave for nothing is something."""
    return not kept.lines or (_reported(kept) == 0 and _reported(order) > 0)


def pay_back(order: Order, kept: Order, payment: Payment | None, state: OrderState) -> OrderState:
    """Return the state with the money and the points that come back by now for all that came back.

    Points that paid come back in proportion, in amounts that are worth whole minor units; money makes up the rest, so
    both together are exactly what came back, and never more than was paid.
    """
    total = order.total
    returned = total - kept.total
    back = Payment(0, 0) if payment is None else payment.share(returned, total)
    return replace(state, refunded=returned - back.amount, restored=back.points)


def _lines_left(order: Order, returned: Mapping[str, int]) -> Iterable[Line]:
    for line in order.lines:
        back = returned.get(line.id)
        if back is None:
            yield line
        elif back < line.quantity:
            amount, listed = (_left(whole, back, line.quantity) for whole in (line.amount, line.amount + line.off))
            yield _cheaper(line, amount)._replace(off=listed - amount, quantity=line.quantity - back)


def _left(whole: int, back: int, of: int) -> int:
    return whole - whole * back // of


def _shrink(line: Line, amount: int) -> Line:
    """Return a line of which some value came back: what promotions took off it shrinks alike."""
    return _cheaper(line, amount)._replace(off=_off(line.amount, line.off, amount))


def _off(whole: int, off: int, left: int) -> int:
    """Return the share of ``off`` that belongs to what is ``left`` of ``whole``."""
    return off - off * (whole - left) // whole if whole else off


def _cheaper(line: Line, amount: int) -> Line:
    if amount == line.amount:
        return line
    return line._replace(amount=amount, tax=line.tax * amount // line.amount if line.amount else 0)


def _price(kept: Order, offs: Mapping[str, int], shipping_off: int) -> Order:
    """Return what is kept for what it costs with so much off."""
    lines = tuple([_take_off(line, offs.get(line.id, 0)) for line in kept.lines])
    shipping = kept.shipping + kept.shipping_off - shipping_off
    return replace(kept, lines=lines, shipping=shipping, shipping_off=shipping_off)


def _take_off(line: Line, off: int) -> Line:
    return _cheaper(line, line.amount + line.off - off)._replace(off=off)


def _reported(order: Order) -> int:
    return sum(line.amount + line.off for line in order.lines)


def _is_back(line: Line, state: OrderState) -> bool:
    return line.id in state.lines and state.lines[line.id] >= line.quantity
