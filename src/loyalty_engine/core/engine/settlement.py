"""Settlement: what an order does to its member's ledger. Orders and later claims settle alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_engine.core.earning.evaluation import Earned, evaluate_earning
from loyalty_engine.core.engine.accounts import close_book, lot_terms, open_book
from loyalty_engine.core.engine.attributes import read_decimals, with_decimals
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.amounts import MAX_BALANCE, allocate
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.book import Book, Entries
from loyalty_engine.core.rules.order import Line, MemberSnapshot, Order
from loyalty_engine.core.rules.view import OrderView


@dataclass(frozen=True, slots=True)
class Paid:
    """What points paid of an order: ``points`` of ``wallet`` were worth ``amount`` minor units."""

    wallet: str
    points: int
    amount: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What was earned and why, and for a member the ledger entries and the state after them."""

    earned: Earned
    entries: Entries | None
    after: MemberState | None


def settle(
    ruleset: Ruleset, operation: Operation, order: Order, *, member: MemberState | None, paid: Paid | None
) -> Settled:
    """Spend what was paid by points, then credit what the rest earns. Without a member nothing is credited."""
    paid_amount = paid.amount if paid else 0
    earned = evaluate_earning(ruleset.earning_rules, _view(ruleset, order, member, paid_amount))
    _check_size(earned)
    if member is None:
        return Settled(earned, None, None)
    book = open_book(member, operation.id, operation.booked_at)
    if paid:
        book.spend(paid.wallet, paid.points)
    _credit(ruleset, book, earned, min(order.placed_at, operation.booked_at))
    counters = _count(member, order, max(order.goods_total - paid_amount, 0))
    entries, after = close_book(member, book, operation.booked_at, counters)
    return Settled(earned, entries, after)


def _check_size(earned: Earned) -> None:
    """Refuse what no balance could hold, also for guests: they may claim it later."""
    if sum(grant.amount for grant in earned.grants) > MAX_BALANCE:
        refuse(RefusalCode.BALANCE_TOO_LARGE, "", largest=MAX_BALANCE)


def _view(ruleset: Ruleset, order: Order, member: MemberState | None, paid_amount: int) -> OrderView:
    snapshot = None
    if member is not None:
        attributes = member.profile.attributes if member.profile else {}
        snapshot = MemberSnapshot(
            status=member.status,
            orders=member.orders,
            spend=member.spend,
            attributes=read_decimals(ruleset.member_attributes, attributes),
        )
    net_amounts = _net_amounts(order.lines, order.shipping, paid_amount) if paid_amount else None
    return OrderView(with_decimals(ruleset, order), snapshot, net_amounts)


def _net_amounts(lines: Sequence[Line], shipping: int, paid_amount: int) -> tuple[int, ...]:
    """Take what points paid off the lines and the shipping in proportion; the odd cent never depends on line order."""
    ranked = sorted(range(len(lines)), key=lambda i: _canonical(lines[i]))
    shares = allocate(paid_amount, [*(lines[i].amount for i in ranked), shipping])
    net = [line.amount for line in lines]
    for position, share in zip(ranked, shares, strict=False):  # the last share is the shipping's
        net[position] -= share
    return tuple(net)


def _canonical(line: Line) -> tuple[int, str, str, str, int, str, str]:
    """Everything that a rule can tell lines by. The id comes last: by default it is the line's position."""
    attributes = repr(sorted(line.attributes.items()))
    return (-line.amount, line.sku or "", line.category or "", line.brand or "", line.quantity, attributes, line.id)


def _credit(ruleset: Ruleset, book: Book, earned: Earned, earned_at: datetime) -> None:
    """Credit one lot per wallet: grants of one order share their origin."""
    totals: dict[str, int] = {}
    for grant in earned.grants:
        totals[grant.wallet] = totals.get(grant.wallet, 0) + grant.amount
    for wallet, amount in sorted(totals.items()):
        book.earn(wallet, amount, lot_terms(ruleset.wallets[wallet], earned_at))


def _count(member: MemberState, order: Order, net: int) -> dict[str, Any]:
    """Count the order where rules read it. Points pay goods before shipping, as far as spend is concerned."""
    placed_at = order.placed_at
    return {
        "orders": member.orders + 1,
        "spend": member.spend + net,
        "first_order_at": min(member.first_order_at or placed_at, placed_at),
        "last_order_at": max(member.last_order_at or placed_at, placed_at),
    }
