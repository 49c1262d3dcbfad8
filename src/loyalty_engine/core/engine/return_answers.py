"""Answers about orders that changed: refund quotes, edits, activations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_engine.core.earning.evaluation import Grant
from loyalty_engine.core.engine.answers import Json, head, show_balances
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import KnownOrder, MemberState
from loyalty_engine.core.engine.keeping import Keeper, Taken
from loyalty_engine.core.engine.price_answers import show_effects
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.quantities import show_quantity
from loyalty_engine.core.returns.goods import keep
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Order


@dataclass(frozen=True, slots=True)
class Quote:
    """What a return does to an order: from ``before`` to ``after``, and what was taken from the member for it."""

    keeper: Keeper
    before: OrderState
    after: OrderState
    taken: tuple[Taken, ...] = ()


def show_quote(operation: Operation, quote: Quote, *, member: MemberState | None, reason: str | None) -> Json:
    """Show a return: what came back, the money and points to pay back for it, the points that were taken."""
    keeper, before, after = quote.keeper, quote.before, quote.after
    left = keep(keeper.order, after)
    payment = keeper.known.payment
    restored = after.restored - before.restored
    worth = _worth(quote, restored)
    refund = after.refunded - before.refunded
    is_void = operation.kind == "order_cancel"
    return {
        **({} if is_void else {"id": show_id("ret", operation.id)}),
        **head(operation),
        "order_id": show_id("ord", keeper.known.id),
        "status": "cancelled" if is_void else "applied",
        "lines": _show_lines(quote, refund=refund, restored=restored),
        "amount": after.amount - before.amount,
        "shipping": after.shipping - before.shipping,
        "value": refund + worth,
        "refund": refund,
        "restored": {"wallet": payment.wallet, "points": restored, "amount": worth} if payment and restored else None,
        "taken": show_taken(quote.taken),
        "left": left.total,
        "waits_until": None,
        "balances": show_balances(member),
        "reason": reason,
    }


def show_waiting(operation: Operation, goods: Goods, waits_until: datetime, reason: str | None) -> Json:
    """Show a return that came before its order: what it is worth is not known yet."""
    return {
        "id": show_id("ret", operation.id),
        **head(operation),
        "order_id": None,
        "status": "waiting",
        "lines": [
            {"id": line, "quantity": None if quantity is None else show_quantity(quantity)}
            | {"amount": 0, "refund": 0, "points_restored": 0, "taken": []}
            for line, quantity in goods.lines.items()
        ],
        "amount": goods.amount,
        "shipping": goods.shipping,
        "value": 0,
        "refund": 0,
        "restored": None,
        "taken": [],
        "left": 0,
        "waits_until": show_instant(waits_until),
        "balances": [],
        "reason": reason,
    }


def show_taken(taken: Sequence[Taken]) -> list[Json]:
    """Show points that were taken back, by wallet."""
    return [
        {"wallet": less.wallet, "points": less.points, "owed": less.owed, "forgiven": less.forgiven} for less in taken
    ]


def show_activation(
    operation: Operation, keeper: Keeper, before: OrderState, after: OrderState, *, member: MemberState | None
) -> Json:
    """Show which points a confirmed order made spendable, and which still wait."""
    activated = {wallet: points - before.activated.get(wallet, 0) for wallet, points in after.activated.items()}
    return {
        "order_id": show_id("ord", keeper.known.id),
        **head(operation),
        "activated": _show_points(activated),
        "waiting": _show_points(keeper.waiting(after)),
        "balances": show_balances(member),
    }


def show_edit(
    operation: Operation,
    known: KnownOrder,
    order: Order,
    *,
    grants: Sequence[Grant],
    taken: Sequence[Taken],
    member: MemberState | None,
    reason: str,
) -> Json:
    """Show an order as it is after an edit: what it earns now in all, and what was taken back for it."""
    paid, total = known.payment, order.total
    return {
        "order_id": show_id("ord", known.id),
        **head(operation),
        "total": total,
        "due": total - (paid.amount if paid else 0),
        "paid_with_points": {"wallet": paid.wallet, "points": paid.points, "amount": paid.amount} if paid else None,
        "effects": show_effects(grants),
        "taken": show_taken(taken),
        "balances": show_balances(member),
        "reason": reason,
    }


def _show_points(points: Mapping[str, int]) -> list[Json]:
    return [{"wallet": wallet, "points": amount} for wallet, amount in sorted(points.items()) if amount > 0]


def _show_lines(quote: Quote, *, refund: int, restored: int) -> list[Json]:
    """Show what came back line by line; what cannot be told by lines is split in proportion to their value."""
    was = {line.id: line for line in keep(quote.keeper.order, quote.before).lines}
    left = {line.id: line for line in keep(quote.keeper.order, quote.after).lines}
    named = [line_id for line_id, back in quote.after.lines.items() if quote.before.lines.get(line_id, -1) != back]
    values = [was[line_id].amount - (left[line_id].amount if line_id in left else 0) for line_id in named]
    whole = refund + _worth(quote, restored)

    def shares(amount: int) -> list[int]:
        return allocate(amount * sum(values) // whole if whole else 0, values) if values else []

    refunds, restores = shares(refund), shares(restored)
    taken = [(less.wallet, shares(less.points)) for less in quote.taken]
    return [
        {
            "id": line_id,
            "quantity": show_quantity(quote.after.lines[line_id] - quote.before.lines.get(line_id, 0)),
            "amount": values[place],
            "refund": refunds[place],
            "points_restored": restores[place],
            "taken": _show_points({wallet: points[place] for wallet, points in taken}),
        }
        for place, line_id in enumerate(named)
    ]


def _worth(quote: Quote, restored: int) -> int:
    payment = quote.keeper.known.payment
    return payment.amount * restored // payment.points if payment else 0
