"""The base of earning: which lines of an order earn, and on how much of each, as the program's policy says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.program.earning import EarningPolicy
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.order import Line, Order, line_reader
from loyalty_engine.core.rules.selections import GroupedLines, Selection, compile_selection

_AMOUNT: Final = line_reader("amount")


@dataclass(frozen=True, slots=True)
class BasePolicy:
    """``nets_payment``: what points and ``unearning_tenders`` paid does not earn; ``nets_discounts``: nor what promotions
    took off; ``excluded`` lines never do.
    """

    nets_payment: bool
    nets_discounts: bool
    unearning_tenders: frozenset[str]
    with_tax: bool
    with_shipping: bool
    excluded: Selection | None


def compile_base(policy: EarningPolicy, vocabulary: Vocabulary) -> BasePolicy:
    """Return the compiled form of a policy that ``check_program`` found no error in."""
    return BasePolicy(
        nets_payment=policy.base == "net_of_points",
        nets_discounts=policy.base != "gross",
        unearning_tenders=frozenset(policy.unearning_tenders),
        with_tax=policy.tax == "included",
        with_shipping=policy.shipping,
        excluded=None if policy.excluded is None else compile_selection(policy.excluded, vocabulary),
    )


def earning_base(policy: BasePolicy, order: Order, paid_with_points: int) -> GroupedLines | None:
    """Return the lines of ``order`` that earn, each with the amount on which it does; None: all, on all they cost."""
    paid = _unearning(policy, order, paid_with_points) if policy.nets_payment else 0
    has_tax = not policy.with_tax and any(line.tax for line in order.lines)
    if not policy.nets_discounts and order.off:
        order = as_reported(order)
    elif not (paid or has_tax or policy.with_shipping or policy.excluded):
        return None
    lines = canonical(order.lines)
    *amounts, shipping = _less([*(line.amount for line in lines), order.shipping], paid)
    if has_tax:
        amounts = _without_tax(lines, amounts)
    base = [
        line if line.amount == amount else line._replace(amount=amount)
        for line, amount in zip(lines, amounts, strict=True)
    ]
    if policy.excluded is not None:
        dropped = {id(line) for line in policy.excluded.pick(GroupedLines(base))}
        base = [line for line in base if id(line) not in dropped]
    return GroupedLines(base, shipping if policy.with_shipping else 0)


def as_reported(order: Order) -> Order:
    """Return the order without what promotions took off."""
    lines = tuple([_dearer(line) if line.off else line for line in order.lines])
    return replace(order, lines=lines, shipping=order.shipping + order.shipping_off, shipping_off=0)


def _dearer(line: Line) -> Line:
    listed = line.amount + line.off
    return line._replace(amount=listed, off=0, tax=line.tax * listed // line.amount if line.amount else 0)


def _unearning(policy: BasePolicy, order: Order, paid_with_points: int) -> int:
    tenders = sum(tender.amount for tender in order.tenders if tender.kind in policy.unearning_tenders)
    return min(paid_with_points + tenders, order.goods_total + order.shipping)


def _less(amounts: Sequence[int], paid: int) -> list[int]:
    """Take what was paid off the amounts in proportion."""
    if not paid:
        return list(amounts)
    return [amount - share for amount, share in zip(amounts, allocate(paid, amounts), strict=True)]


def _without_tax(lines: Sequence[Line], amounts: Sequence[int]) -> list[int]:
    """Take the tax off; where a part of the goods does not earn, its share of the tax is none of theirs."""
    gross, net = sum(line.amount for line in lines), sum(amounts)
    tax = sum(line.tax for line in lines) * net // gross if gross else 0
    shares = allocate(tax, [line.tax for line in lines])
    return [max(amount - share, 0) for amount, share in zip(amounts, shares, strict=True)]


def canonical(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, dearest first, in an order that does not hang on theirs, so that the odd cent never does."""
    if len({line.amount for line in lines}) < len(lines):
        return sorted(lines, key=_all_of)
    return sorted(lines, key=_AMOUNT, reverse=True)


def _all_of(line: Line) -> tuple[int, str, str, str, int, str, str]:
    """Return everything that a rule can tell lines by. The id comes last: by default it is the line's position."""
    attributes = repr((sorted(line.attributes.items()), line.tax, line.unit, line.off))
    return (-line.amount, line.sku or "", line.category or "", line.brand or "", line.quantity, attributes, line.id)
