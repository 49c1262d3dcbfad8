"""Settlement: what an order or activity does to its member's ledger. Orders and later claims settle alike."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from loyalty_engine.core.earning.base import earning_base
from loyalty_engine.core.earning.evaluation import Earned, Grant, Use, evaluate_earning
from loyalty_engine.core.earning.limits import drop_ended
from loyalty_engine.core.engine.accounts import close_book, lot_terms, open_book, touch, welcome
from loyalty_engine.core.engine.attributes import history_with_decimals, with_decimals
from loyalty_engine.core.engine.decision import Operation, Take
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.pricing import Priced
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.views import counted_for, snapshot, view_order
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.book import Entries
from loyalty_engine.core.points.ledger import Ledger
from loyalty_engine.core.points.lifetimes import ActivationTerms
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.promotions.points import extras_of
from loyalty_engine.core.rules.order import Activity, Order
from loyalty_engine.core.rules.view import View


class Settled(NamedTuple):
    """What was earned and why, and for a member the ledger entries, the state after them, and what limits took."""

    earned: Earned
    entries: Entries | None = None
    after: MemberState | None = None
    takes: tuple[Take, ...] = ()


def settle(
    ruleset: Ruleset,
    operation: Operation,
    priced: Priced,
    *,
    member: MemberState | None,
    paid: PaidPoints | None,
    shared: Mapping[str, int],
) -> Settled:
    """Spend what was paid by points, then credit what the rest earns. Without a member nothing is credited."""
    order, now = priced.order, operation.booked_at
    earned = earn_on(ruleset, priced, member=member, paid=paid, shared=shared, now=now)
    if member is None:
        return Settled(earned, takes=takes_of(priced.uses))
    uses = (*earned.uses, *priced.uses)
    book = open_book(member, operation.id, now)
    pay_and_credit(ruleset, book, order, paid=paid, earned=earned, now=now)
    changed = {**count_order(member, order, paid.amount if paid else 0), **use_limits(ruleset, member, uses, now)}
    entries, after = close_book(member, book, changed)
    return Settled(earned, entries, after, takes_of(uses))


def earn_on(
    ruleset: Ruleset,
    priced: Priced,
    *,
    member: MemberState | None,
    paid: PaidPoints | None,
    shared: Mapping[str, int],
    now: datetime,
    remembers: bool = True,
) -> Earned:
    """Return what an order earns by rules and promotions, or would if somebody could receive it, and why.

    What is only looked at needs no uses of limits and no memory.
    """
    paid_amount = paid.amount if paid else 0
    seen = with_decimals(ruleset, priced.order)
    base = earning_base(ruleset.base, seen, paid_amount)
    view = view_order(ruleset, seen, member, base=base, paid_with_points=paid_amount)
    extras = extras_of(ruleset.promotions, priced.memory, ruleset.wallets) if priced.memory else ()
    counted = counted_for(member, shared, now)
    earned = evaluate_earning(ruleset.order_rules, view, counted, gone=ruleset.gone, extras=extras, remembers=remembers)
    _check_size(earned)
    return earned


def pay_and_credit(
    ruleset: Ruleset, ledger: Ledger[Any], order: Order, *, paid: PaidPoints | None, earned: Earned, now: datetime
) -> None:
    """Move an order's points in its member's ledger: those that pay leave first, then those that it earns come."""
    happened_at = min(order.placed_at, now)
    if paid:
        ledger.pay(paid.wallet, paid.points)
        touch(ruleset, ledger, (paid.wallet,), happened_at)
    credit(ruleset, ledger, earned.grants, happened_at)


def settle_activity(
    ruleset: Ruleset, operation: Operation, activity: Activity, *, member: MemberState, shared: Mapping[str, int]
) -> Settled:
    """Credit what an activity earns."""
    view = View(
        at=operation.effective_at,
        zone=ruleset.zone,
        activity=activity,
        member=snapshot(ruleset, member, operation.effective_at),
        history=history_with_decimals(ruleset, member.history),
    )
    earned = evaluate_earning(
        ruleset.activity_rules[activity.kind], view, counted_for(member, shared, operation.booked_at)
    )
    _check_size(earned)
    book = open_book(member, operation.id, operation.booked_at)
    credit(ruleset, book, earned.grants, min(operation.effective_at, operation.booked_at))
    entries, after = close_book(member, book, use_limits(ruleset, member, earned.uses, operation.booked_at))
    return Settled(earned, entries, after, takes_of(earned.uses))


def _check_size(earned: Earned) -> None:
    """Refuse what no balance could hold, also for guests: they may claim it later."""
    if sum([grant.amount for grant in earned.grants]) > MAX_BALANCE:
        refuse(RefusalCode.BALANCE_TOO_LARGE, "", largest=MAX_BALANCE)


def credit(ruleset: Ruleset, ledger: Ledger[Any], grants: Iterable[Grant], earned_at: datetime) -> None:
    """Credit one lot per wallet and activation: grants of one order share their origin."""
    wallets = ruleset.wallets
    totals: dict[tuple[str, ActivationTerms | None], int] = {}
    for _, wallet, amount, activation in grants:
        kind = wallet, activation or wallets[wallet].activation
        totals[kind] = totals.get(kind, 0) + amount
    for (wallet, terms), amount in sorted(totals.items(), key=_wallet) if len(totals) > 1 else totals.items():
        lot = ledger.earn(wallet, amount, lot_terms(wallets[wallet], earned_at, terms))
        welcome(ruleset, ledger, lot)


def _wallet(total: tuple[tuple[str, ActivationTerms | None], int]) -> str:
    return total[0][0]


def takes_of(uses: Iterable[Use]) -> tuple[Take, ...]:
    """Return what the limits that all members share give away."""
    return tuple([Take(use.counter, use.amount, use.cap) for use in uses if use.is_shared])


def use_limits(ruleset: Ruleset, member: MemberState, uses: Iterable[Use], now: datetime) -> dict[str, Any]:
    """Count what the member's own limits gave; counters of long ended periods are forgotten."""
    used = member.counters
    taken = {use.counter: used.get(use.counter, 0) + use.amount for use in uses if not use.is_shared}
    return {"counters": {**drop_ended(used, now.astimezone(ruleset.zone)), **taken}} if taken else {}


def count_order(member: MemberState, order: Order, paid_amount: int) -> dict[str, Any]:
    """Count the order where rules read it. Points pay goods before shipping, as far as spend is concerned."""
    placed_at = order.placed_at
    return {
        "orders": member.orders + 1,
        "spend": member.spend + max(order.goods_total - paid_amount, 0),
        "first_order_at": min(member.first_order_at or placed_at, placed_at),
        "last_order_at": max(member.last_order_at or placed_at, placed_at),
    }
