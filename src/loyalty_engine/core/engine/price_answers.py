"""What an order costs and gives, as answers show it: the price after promotions, and the points of rules and promotions."""

from collections.abc import Iterable
from typing import Any

from loyalty_engine.core.earning.evaluation import Grant
from loyalty_engine.core.engine.pricing import Priced
from loyalty_engine.core.promotions.evaluation import Applied
from loyalty_engine.core.promotions.points import BY_PROMOTION

Json = dict[str, Any]


def show_price(priced: Priced) -> Json:
    """Show what is to be paid, what promotions took off and where, and which goods they add."""
    order, total, off = priced.order, priced.order.total, priced.order.off
    applied = () if priced.promoted is None else priced.promoted.applied
    return {
        "list_total": total + off,
        "total": total,
        "lines": [{"id": line.id, "amount": line.amount, "off": line.off} for line in order.lines if line.off]
        if off
        else [],
        "discounts": [_discount(one) for one in applied if one.value],
        "gifts": [
            {"promotion": one.promotion.key, "sku": sku, "quantity": quantity}
            for one in applied
            for sku, quantity in one.gifts
        ],
    }


def show_effects(grants: Iterable[Grant]) -> list[Json]:
    """Show what is earned, each with the rule or the promotion that gives it."""
    return [_effect(grant) for grant in grants]


def _discount(applied: Applied) -> Json:
    promotion = applied.promotion
    return {
        "promotion": promotion.key,
        "name": promotion.name or promotion.key,
        "amount": applied.value,
        "lines": [{"id": line, "amount": off} for line, off in applied.lines.items()],
        "shipping": applied.shipping,
        "metadata": dict(promotion.metadata),
    }


def _effect(grant: Grant) -> Json:
    giver, wallet, points, _ = grant
    shown: Json = {"type": "grant_points", "wallet": wallet, "points": points}
    if giver.startswith(BY_PROMOTION):
        shown["promotion"] = giver.removeprefix(BY_PROMOTION)
    else:
        shown["rule"] = giver
    return shown
