"""Nudges: what a customer could add to the cart to get a promotion, or more of it ("3.20 more for free delivery").

Whether it would help is tried out: what is missing is put into the cart, and all promotions are played again. So a nudge
is never about what lacks something else too, is limited out, or would be outdone.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.promotions.cart import Cart
from loyalty_engine.core.promotions.evaluation import Applied, Promoted, promote
from loyalty_engine.core.promotions.lacks import Lack, lacks_of
from loyalty_engine.core.promotions.offers import Promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Line, Order
from loyalty_engine.core.rules.view import View

MOST_NUDGES: Final = 5
_MOST_LACKS: Final = 50
_MOST_TRIES: Final = 10
_MOST_WORK: Final = 100_000
_MOST_LINES: Final = 100
"""A nudge is a hint and must stay cheap: so many of the nearest are looked at, and so many tried out, as long as promotions
times lines are not more in all.
"""


@dataclass(frozen=True, slots=True)
class Nudge:
    """With what it ``lacks``, and nothing else, a cart would get a promotion, or more of it."""

    promotion: Promotion
    lack: Lack

    def as_json(self) -> dict[str, Any]:
        lack = self.lack
        about = {"lines": dict(lack.lines) or None, "attribute": lack.attribute}
        return {
            "promotion": self.promotion.key,
            "name": self.promotion.name or self.promotion.key,
            "measure": lack.measure,
            **{name: value for name, value in about.items() if value is not None},
            "needed": lack.show(lack.needed),
            "actual": lack.show(lack.actual),
            "missing": lack.show(lack.missing),
            "effect": self.promotion.written.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        }


def find_nudges(
    promotions: Promotions, promoted: Promoted, view: View, counted: Counted, *, codes: Collection[str] = ()
) -> tuple[Nudge, ...]:
    """Return what would help most easily, by the share of what is needed that is missing; nearest first, at most 5.

    ``promoted`` is what ``promote`` returned for the rest. Only promotions of whose goods the cart has some are looked at.
    """
    tries = min(_MOST_TRIES, _MOST_WORK // _size(promoted))
    if not tries:
        return ()
    before = {one.promotion.key: one for one in promoted.applied}
    ranked = sorted(
        (Fraction(lack.missing, lack.needed), promotion.position, place, promotion, lack)
        for place, (promotion, lack) in enumerate(_lacks(promoted, view))
    )
    found: dict[str, Nudge] = {}
    for _, _, _, promotion, lack in ranked[:_MOST_LACKS]:
        if len(found) == MOST_NUDGES or not tries:
            break
        more = None if promotion.key in found else _with_more(view, lack)
        if more is None or (promotion.check is not None and promotion.check(more) is not None):
            continue
        tries -= 1
        order = more.order
        assert order is not None
        applied = promote(promotions, order, more, counted, codes=codes).applied
        after = next((one for one in applied if one.promotion is promotion), None)
        if after is not None and _gives(after) > _gives(before.get(promotion.key)):
            found[promotion.key] = Nudge(promotion, lack)
    return tuple(found.values())


def _size(promoted: Promoted) -> int:
    """Return about how much it takes to play all promotions once."""
    return (len(promoted.applied) + len(promoted.refused)) * len(promoted.cart.lines) or 1


def _lacks(promoted: Promoted, view: View) -> Iterator[tuple[Promotion, Lack]]:
    """Yield what promotions lack that gave nothing because of the cart, or would give more for a fuller one."""
    for refused in promoted.refused:
        if refused.miss is not None:
            yield from ((refused.promotion, lack) for lack in lacks_of(refused.miss))
    going_on = [one.promotion for one in promoted.refused if one.code == "nothing_to_discount"]
    going_on += [one.promotion for one in promoted.applied]
    going_on = [promotion for promotion in going_on if promotion.next is not None]
    if going_on and view.order is not None:
        cart = Cart.of(view.order)
        for promotion in going_on:
            lack = None if promotion.next is None else promotion.next(cart)
            if lack is not None:
                yield promotion, lack


def _gives(applied: Applied | None) -> tuple[int, int]:
    """Return what a promotion gives, so that more can be told from less."""
    if applied is None:
        return -1, 0
    return applied.value, sum([count for _, count in applied.gifts])


def _with_more(view: View, lack: Lack) -> View | None:
    """Return the view of the cart with what it lacks; None where that is not to be had."""
    order = view.order
    if order is None or (lack.measure == "count" and lack.missing > _MOST_LINES):
        return None
    count = lack.missing if lack.measure == "count" else 1
    more = replace(order, lines=(*order.lines, *(_line(order, lack, number) for number in range(count))))
    return View(
        at=view.at,
        zone=view.zone,
        order=more,
        member=view.member,
        paid_with_points=view.paid_with_points,
        history=view.history,
    )


def _line(order: Order, lack: Lack, number: int) -> Line:
    """Return goods of the kind that is lacking, which cost what the dearest ones in the cart do unless their price is
    what matters. Their id is none that a shop could have sent.
    """
    lines, attributes = lack.lines, {name: _first(value) for name, value in lack.lines.get("attributes", {}).items()}
    quantity = lack.missing if lack.measure == "quantity" else SCALE
    amount = lack.missing if lack.measure == "amount" else max(_dearest(order) * quantity // SCALE, 1)
    if lack.attribute is not None:
        attributes[lack.attribute] = lack.missing
    named: Mapping[str, Any] = {name: lines[name][0] for name in ("sku", "category", "brand", "unit") if name in lines}
    return Line(f"\0{number}", amount, quantity, attributes=attributes, **named)


def _dearest(order: Order) -> int:
    return max([line.amount * SCALE // line.quantity for line in order.lines if line.quantity], default=1)


def _first(choice: Any) -> Any:  # noqa: ANN401 - a value as the document has it
    return choice[0] if isinstance(choice, list) else choice
