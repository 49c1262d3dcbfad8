"""Which points of an order its member keeps when goods came back, and which of them can be spent."""

from collections.abc import Mapping, Sequence
from typing import Literal, assert_never

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order

Kept = Mapping[str, int]
"""Points by the key of the rule that gave them."""


def as_earned(memory: Sequence[RuleMemory]) -> dict[str, int]:
    """Return what the rules gave when the order was placed."""
    return {given.rule: given.amount for given in memory if not given.outdone}


def in_proportion(earned: Kept, order: Order, kept: Order) -> dict[str, int]:
    """Return a share of what was earned by value; fractions stay with the customer until nothing is left.

    Priced again without a promotion, what is kept may cost more than all of it did: then it keeps all.
    """
    total = order.goods_total
    returned = max(total - kept.goods_total, 0)
    if not total:
        return dict(earned) if kept.lines else {}
    return {rule: points - points * returned // total for rule, points in earned.items()}


def by_policy(
    policy: Literal["recomputed", "proportional", "none"], earned: Kept, *, recomputed: Kept, order: Order, kept: Order
) -> dict[str, int]:
    """Return what the customer keeps of each rule's points as the program's policy says."""
    match policy:
        case "recomputed":
            return {rule: recomputed.get(rule, 0) for rule in {**earned, **recomputed}}
        case "proportional":
            return in_proportion(earned, order, kept)
        case "none":
            return dict(earned)
        case _:
            assert_never(policy)


def confirmed_share(points: int, kept: Order, state: OrderState) -> int:
    """Return how many of ``points`` that wait for confirmation can be spent, in proportion to the value confirmed.

    Goods that came back are taken for confirmed ones: they must have been handed over.
    """
    if state.confirmed is None:
        return points
    confirmed, total = 0, kept.goods_total
    is_whole = True
    for line in kept.lines:
        quantity = min(max(state.confirmed.get(line.id, -1) - state.lines.get(line.id, 0), -1), line.quantity)
        is_whole = is_whole and quantity == line.quantity
        confirmed += line.amount * max(quantity, 0) // line.quantity if line.quantity else line.amount * (quantity == 0)
    if is_whole:
        return points
    return points * confirmed // total if total else 0
