"""What promotions take off what is left of an order: their share of what they took off all of it, or what they would have
taken off goods like that.
"""

from collections.abc import Sequence
from dataclasses import replace

from loyalty_engine.core.earning.base import as_reported, canonical
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order


def in_shares(memory: Sequence[PromotionMemory], kept: Order) -> tuple[PromotionMemory, ...]:
    """Return what is left of each promotion where nothing was priced again; those that have nothing left are missing."""
    offs: list[dict[str, int]] = [{} for _ in memory]
    for line in kept.lines:
        shares = _split(line.off, [one.lines.get(line.id, 0) for one in memory])
        for own, share in zip(offs, shares, strict=True):
            if share:
                own[line.id] = share
    shipping = _split(kept.shipping_off, [one.shipping for one in memory])
    left = [one._replace(lines=own, shipping=share) for one, own, share in zip(memory, offs, shipping, strict=True)]
    return tuple([now for one, now in zip(memory, left, strict=True) if now.value or not one.value])


def without_price(state: OrderState) -> OrderState:
    """Return the state in which nothing was priced again."""
    return replace(state, offs=None, shipping_off=0)


def with_price(order: Order, kept: Order, again: Sequence[PromotionMemory], state: OrderState) -> OrderState:
    """Return the state in which what is ``kept`` of ``order`` costs what is left after promotions gave ``again``.

    It never costs more than was paid for all of it: what it would be more is off, too.
    """
    listed = as_reported(kept)
    lines = canonical(listed.lines)
    offs = [sum(one.lines.get(line.id, 0) for one in again) for line in lines]
    shipping_off = sum(one.shipping for one in again)
    left = [line.amount - off for line, off in zip(lines, offs, strict=True)]
    excess = max(sum(left) + listed.shipping - shipping_off - order.total, 0)
    *more, shipping_more = allocate(excess, [*left, listed.shipping - shipping_off])
    total = {line.id: off + extra for line, off, extra in zip(lines, offs, more, strict=True)}
    return replace(
        state,
        offs={line_id: off for line_id, off in sorted(total.items()) if off},
        shipping_off=shipping_off + shipping_more,
    )


def _split(off: int, parts: Sequence[int]) -> list[int]:
    """Return the share of each part in what is left of them all: of none more than it was."""
    if not any(parts):
        return [0] * len(parts)
    return [min(share, part) for share, part in zip(allocate(off, parts), parts, strict=True)]
