"""What a promotion allows that its author can hardly want: provable from the document, and only warned of.

Promotions that are paused are not looked at.
"""

from collections.abc import Iterator
from itertools import pairwise

from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.program.conditions import FactComparison, LineSelection, conjuncts
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.promotion_reach import find_unreachable
from loyalty_engine.core.program.promotions import (
    AmountOff,
    Bundle,
    CodeIssue,
    ExtraPoints,
    Gift,
    PercentOff,
    PointsTimes,
    PromotionEntry,
    ShippingOff,
    Step,
    Stepped,
    TotalPrice,
    UnitPrice,
)


def lint_promotion(pointer: str, promotion: PromotionEntry, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Yield the warnings of a promotion that is free of faults."""
    if not promotion.active:
        return
    yield from find_unreachable(pointer, promotion, vocabulary)
    yield from _lint_worth(f"{pointer}/effect", promotion)
    yield from _lint_limits(pointer, promotion)
    yield from _lint_ignored(pointer, promotion)


def _lint_worth(pointer: str, promotion: PromotionEntry) -> Iterator[Fault]:
    """Warn of what may cost the whole cart."""
    if promotion.floor is not None:
        return
    if isinstance(promotion.effect, Stepped):
        yield from _lint_steps(f"{pointer}/steps", promotion, promotion.effect)
    if _is_free(promotion):
        if promotion.at_most is None and not any(limit.amount for limit in promotion.limits):
            message = "is 100% off: goods cost nothing, and nothing says how much of them"
            yield Fault(pointer, FaultCode.FREE_OF_CHARGE, message, "warning")
    elif _is_unbounded(promotion):
        message = "can be as much as the whole cart: it has no condition, no limit, no budget and no floor"
        yield Fault(pointer, FaultCode.UNBOUNDED, message, "warning")
    elif isinstance(promotion.effect, AmountOff) and promotion.effect.each == "order":
        least = _least_total(promotion)
        if least is not None and _capped(promotion, promotion.effect.amount) >= least:
            message = f"is as much as the least that its condition asks for, {least}: such a cart costs nothing"
            yield Fault(f"{pointer}/amount", FaultCode.WHOLE_CART, message, "warning")


def _is_free(promotion: PromotionEntry) -> bool:
    """Tell whether all goods cost nothing. Those of a selection, or some units of them, may well do."""
    match promotion.effect:
        case PercentOff(of=of, units=None, percent=percent):
            return _is_everything(of) and _is_whole(percent)
        case UnitPrice(of=of, units=None, price=0) | TotalPrice(of=of, price=0):
            return _is_everything(of)
        case Stepped(of=of, steps=steps):
            return _is_everything(of) and any(_is_whole(step.percent) for step in steps)
        case Bundle(price=price, percent=percent):
            return price == 0 or _is_whole(percent)
        case _:
            return False


def _is_unbounded(promotion: PromotionEntry) -> bool:
    """Tell whether it takes an amount, or leaves one, however little or much is bought."""
    if promotion.when is not None or promotion.opened_by != "itself":
        return False
    if promotion.limits or promotion.at_most is not None:
        return False
    match promotion.effect:
        case AmountOff() | TotalPrice():
            return True
        case UnitPrice(of=of, units=None):
            return _is_everything(of)
        case Gift(per_amount=per_amount, per_quantity=per_quantity):
            return per_amount is None and per_quantity is None
        case Bundle(price=int(), parts=parts):
            return any(_is_everything(part.of) for part in parts)
        case _:
            return False


def _least_total(promotion: PromotionEntry) -> int | None:
    """Return what an order must at least cost, None when its condition does not say."""
    found: list[int] = []
    for _, node in conjuncts(promotion.when) if promotion.when is not None else ():
        match node:
            case FactComparison(fact="order.total", operator="at_least" | "more_than" | "is", comparand=int(least)):
                found.append(least + (node.operator == "more_than"))
            case _:
                pass
    return max(found, default=None)


def _lint_steps(pointer: str, promotion: PromotionEntry, effect: Stepped) -> Iterator[Fault]:
    for place, step in enumerate(effect.steps):
        if step.amount is not None and _capped(promotion, step.amount) >= step.at_least:
            message = "is as much as the goods of this step cost at least: they cost nothing"
            yield Fault(f"{pointer}/{place}/amount", FaultCode.WHOLE_CART, message, "warning")
    for place, (one, other) in enumerate(pairwise(effect.steps), start=1):
        if _off_at(other, other.at_least) < _off_at(one, other.at_least):
            message = "gives less than the step before would: who buys more pays more"
            yield Fault(f"{pointer}/{place}", FaultCode.LESS_FOR_MORE, message, "warning")


def _off_at(step: Step, cost: int) -> int:
    if step.amount is not None:
        return step.amount
    assert step.percent is not None
    return Ratio.parse_percent(step.percent).of(cost, "nearest")


def _lint_limits(pointer: str, promotion: PromotionEntry) -> Iterator[Fault]:
    """Warn of what is worth money and has no end. What is opened by codes has the limits that its pools say."""
    if promotion.limits or promotion.opened_by == "code" or isinstance(promotion.effect, ExtraPoints | PointsTimes):
        return
    if _is_for_all_orders(promotion):
        message = "is given with every order for ever: it has no condition, no window, no limit and no budget"
        yield Fault(pointer, FaultCode.NO_LIMIT, message, "warning")


def _is_for_all_orders(promotion: PromotionEntry) -> bool:
    terms = (promotion.when, promotion.window, promotion.schedule, promotion.channels, promotion.locations)
    match promotion.effect:
        case PercentOff(of=of, units=None):
            is_on_all = _is_everything(of)
        case _:
            is_on_all = False
    is_alone = promotion.group is None and promotion.audience == "anyone"
    return is_on_all and is_alone and all(term is None for term in terms)


def _lint_ignored(pointer: str, promotion: PromotionEntry) -> Iterator[Fault]:
    """Warn of fields that say nothing about this kind of effect."""
    effect = promotion.effect
    if isinstance(effect, Gift) and effect.of is not None and effect.per_amount is None and effect.per_quantity is None:
        message = "only says what per_amount and per_quantity count: ask for the goods in the condition"
        yield Fault(f"{pointer}/effect/of", FaultCode.IGNORED, message, "warning")
    if isinstance(effect, ExtraPoints | PointsTimes | CodeIssue | ShippingOff) and promotion.floor is not None:
        yield Fault(f"{pointer}/floor", FaultCode.IGNORED, "is about goods, and none get cheaper", "warning")
    if isinstance(effect, ExtraPoints | PointsTimes | CodeIssue):
        given = "codes" if isinstance(effect, CodeIssue) else "points"
        if promotion.at_most is not None:
            yield Fault(f"{pointer}/at_most", FaultCode.IGNORED, f"is about money, not about {given}", "warning")
        for place, limit in enumerate(promotion.limits):
            if limit.amount is not None:
                here = f"{pointer}/limits/{place}/amount"
                yield Fault(here, FaultCode.IGNORED, f"is about money, not about {given}; use times", "warning")


def _capped(promotion: PromotionEntry, amount: int) -> int:
    return amount if promotion.at_most is None else min(amount, promotion.at_most)


def _is_everything(selection: LineSelection | None) -> bool:
    return selection is None or selection == LineSelection()


def _is_whole(percent: str | None) -> bool:
    if percent is None:
        return False
    rate = Ratio.parse_percent(percent)
    return rate.numerator == rate.denominator
