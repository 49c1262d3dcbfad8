"""Answers about orders that changed: refund quotes, edits, activations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_engine.core.earning.evaluation import Grant
from loyalty_engine.core.engine.answers import Json, head, show_balances
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import KnownOrder, MemberState
from loyalty_engine.core.engine.keeping import Keeper, Taken
from loyalty_engine.core.engine.price_answers import show_effects, show_price
from loyalty_engine.core.engine.pricing import Priced
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.quantities import show_quantity
from loyalty_engine.core.returns.discounts import without_price
from loyalty_engine.core.returns.goods import keep
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods


@dataclass(frozen=True, slots=True)
class Quote:
    """What a return does to an order: from ``before`` to ``after``, and what was taken from the member for it."""

    keeper: Keeper
    before: OrderState
    after: OrderState
    taken: tuple[Taken, ...] = ()


def show_quote(operation: Operation, quote: Quote, *, member: MemberState | None, reason: str | None) -> Json:
    """Show a return: what came back, the money and points to pay back for it, the points that were taken.

    Priced again, what was kept may have lost more of its discount than came back is worth: then there is to collect.
    """
    keeper, before, after = quote.keeper, quote.before, quote.after
    left = keep(keeper.order, after)
    payment = keeper.known.payment
    worth = _worth(quote, after.restored - before.restored)
    money, points = after.refunded - before.refunded, after.restored - before.restored
    refund, restored = max(money, 0), max(points, 0)
    is_void = operation.kind == "order_cancel"
    return {
        **({} if is_void else {"id": show_id("ret", operation.id)}),
        **head(operation),
        "order_id": show_id("ord", keeper.known.id),
        "status": "cancelled" if is_void else "applied",
        "lines": _show_lines(quote, refund=refund, restored=restored),
        "amount": after.amount - before.amount,
        "shipping": after.shipping - before.shipping,
        "value": money + worth,
        "refund": refund,
        "collect": max(-money, 0),
        "restored": {"wallet": payment.wallet, "points": points, "amount": worth} if payment and points > 0 else None,
        "repaid": {"wallet": payment.wallet, "points": -points, "amount": -worth} if payment and points < 0 else None,
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
        "collect": 0,
        "restored": None,
        "repaid": None,
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


@dataclass(frozen=True, slots=True)
class Edit:
    """An order as it is after an edit: its price, what it earns in all, and what was taken back for that."""

    known: KnownOrder
    priced: Priced
    grants: tuple[Grant, ...] = ()
    taken: tuple[Taken, ...] = ()


def show_edit(operation: Operation, edit: Edit, *, member: MemberState | None, reason: str) -> Json:
    """Show an order as it is after an edit."""
    paid = edit.known.payment
    return {
        "order_id": show_id("ord", edit.known.id),
        **head(operation),
        **show_price(edit.priced),
        "due": edit.priced.order.total - (paid.amount if paid else 0),
        "paid_with_points": {"wallet": paid.wallet, "points": paid.points, "amount": paid.amount} if paid else None,
        "effects": show_effects(edit.grants),
        "taken": show_taken(edit.taken),
        "balances": show_balances(member),
        "reason": reason,
    }


def _show_points(points: Mapping[str, int]) -> list[Json]:
    return [{"wallet": wallet, "points": amount} for wallet, amount in sorted(points.items()) if amount > 0]


def _show_lines(quote: Quote, *, refund: int, restored: int) -> list[Json]:
    """Show what came back line by line; what cannot be told by lines is split in proportion to their value."""
    order, before, after = quote.keeper.order, without_price(quote.before), without_price(quote.after)
    had, has = keep(order, before), keep(order, after)
    was, left = ({line.id: line.amount for line in kept.lines} for kept in (had, has))
    named = [line_id for line_id, back in after.lines.items() if before.lines.get(line_id, -1) != back]
    values = [was[line_id] - left.get(line_id, 0) for line_id in named]
    whole = had.total - has.total

    def shares(amount: int) -> list[int]:
        return allocate(amount * sum(values) // whole if whole else 0, values) if values else []

    refunds, restores = shares(refund), shares(restored)
    taken = [(less.wallet, shares(less.points)) for less in quote.taken]
    return [
        {
            "id": line_id,
            "quantity": show_quantity(after.lines[line_id] - before.lines.get(line_id, 0)),
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
