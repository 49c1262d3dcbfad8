"""Answers: what the caller gets, as plain JSON values. Stored with the operation and repeated byte for byte."""

from collections.abc import Mapping, Sequence
from typing import Any

from loyalty_engine.core.earning.evaluation import Earned, Grant
from loyalty_engine.core.earning.index import Seen
from loyalty_engine.core.engine.decision import ActivityRow, Operation, OrderRow
from loyalty_engine.core.engine.facts import KnownRedemption, MemberState
from loyalty_engine.core.engine.price_answers import show_effects, show_price
from loyalty_engine.core.engine.requests import Adjust, Redeem
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.sales import Buyer, Sale
from loyalty_engine.core.engine.settlement import Settled
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.promotions.nudges import Nudge
from loyalty_engine.core.rules.order import Order

Json = dict[str, Any]


def show_order(
    ruleset: Ruleset, operation: Operation, row: OrderRow, *, sale: Sale, settled: Settled, issued: Sequence[Json] = ()
) -> Json:
    """Show an accepted order: its price, what was earned, what points paid, what is still due, and what could be paid; with
    the codes that it ``issued``.
    """
    after = settled.after.balances if settled.after else {}
    return {
        "id": show_id("ord", row.id),
        **head(operation),
        "status": _status(sale.buyer),
        **show_sale(ruleset, sale, grants=settled.earned.grants, after=after),
        "codes_issued": [*issued],
    }


def show_look(
    ruleset: Ruleset,
    sale: Sale,
    *,
    earned: Earned,
    after: Mapping[str, Balance],
    nudges: Sequence[Nudge],
    issued: Sequence[Json] = (),
) -> Json:
    """Show the same of an order that is only looked at, with the reasons and nudges. A buyer without a row is not a member yet."""
    buyer, priced = sale.buyer.member, sale.priced
    return {
        "member_id": show_id("mem", buyer.id) if buyer and buyer.version else None,
        "revision": ruleset.revision,
        "effective_at": show_instant(priced.order.placed_at),
        "status": _status(sale.buyer),
        **show_sale(ruleset, sale, grants=earned.grants, after=after),
        "codes_issued": [*issued],
        "reasons": [reason.as_json() for reason in earned.reasons],
        "promotions": [reason.as_json() for reason in priced.reasons],
        "nudges": [nudge.as_json() for nudge in nudges],
    }


def show_claim(operation: Operation, order: Order, settled: Settled) -> Json:
    """Show what a claimed order earned."""
    assert operation.order_id is not None
    return {
        **head(operation),
        "order_id": show_id("ord", operation.order_id),
        "currency": order.currency,
        "total": order.total,
        "effects": show_effects(settled.earned.grants),
        "balances": show_balances(settled.after),
    }


def show_activity(operation: Operation, row: ActivityRow, settled: Settled) -> Json:
    """Show an accepted activity and what it earned. It takes the operation's id."""
    return {
        "id": show_id("act", row.id),
        **head(operation),
        "kind": row.kind,
        "subject": row.subject,
        "effects": show_effects(settled.earned.grants),
        "balances": show_balances(settled.after),
    }


def show_redemption(operation: Operation, request: Redeem, value: int, after: MemberState) -> Json:
    """Show points that were spent and what they were worth in minor units. It takes the operation's id."""
    return {
        "id": show_id("red", operation.id),
        **head(operation),
        "wallet": request.wallet,
        "points": request.points,
        "amount": value,
        "balances": show_balances(after),
    }


def show_cancel(operation: Operation, redemption: KnownRedemption, reason: str, after: MemberState) -> Json:
    """Show a cancelled redemption."""
    return {
        "redemption_id": show_id("red", redemption.id),
        **head(operation),
        "wallet": redemption.wallet,
        "points_restored": redemption.points,
        "reason": reason,
        "balances": show_balances(after),
    }


def show_adjustment(operation: Operation, request: Adjust, after: MemberState) -> Json:
    """Show a correction. The note stays out: it is personal data."""
    return {
        **head(operation),
        "wallet": request.wallet,
        "points": request.points,
        "reason": request.reason,
        "balances": show_balances(after),
    }


def show_time_passed(operation: Operation, after: MemberState) -> Json:
    """Show what is left after time did its work; the postings tell what it did."""
    return {**head(operation), "balances": show_balances(after)}


def show_status(operation: Operation, after: MemberState, reason: str) -> Json:
    """Show that a member was blocked or unblocked."""
    return {**show_member(operation, after), "reason": reason}


def show_member(operation: Operation, after: MemberState) -> Json:
    """Show that a member was enrolled or changed; the profile itself is read with GET, it is not kept twice."""
    return {
        "id": show_id("mem", after.id),
        "operation_id": show_id("op", operation.id),
        "status": after.status,
        "booked_at": show_instant(operation.booked_at),
    }


def show_balances(member: MemberState | None) -> list[Json]:
    """Show all balances of a member, by wallet key."""
    return [] if member is None else _balances(member.balances)


def _balances(balances: Mapping[str, Balance]) -> list[Json]:
    return [
        {"wallet": wallet, "available": available, "pending": pending, "held": held, "debt": debt}
        for wallet, (available, pending, held, debt, _) in sorted(balances.items())
    ]


def show_facts(
    member: MemberState | None, seen: Seen | None = None, seen_by_promotions: Seen | None = None
) -> Mapping[str, Any]:
    """Keep what a replay of the decision needs and nobody could otherwise know; no personal data.

    ``seen`` are the facts by which rules were found, and promotions: they explain those that were not.
    """
    facts: Json = {"seen": seen} if seen else {}
    if seen_by_promotions is not None:
        facts["seen_by_promotions"] = seen_by_promotions
    if member is not None:
        facts["member"] = {
            "version": member.version,
            "orders": member.orders,
            "spend": member.spend,
            "balances": {wallet: _amounts(balance) for wallet, balance in sorted(member.balances.items())},
        }
        if member.tiers:
            facts["member"]["tiers"] = {key: held.tier for key, held in sorted(member.tiers.items())}
        if member.plans:
            facts["member"]["plans"] = {
                key: [show_instant(held.since), show_instant(held.ends_at)]
                for key, held in sorted(member.plans.items())
            }
    return facts


def head(operation: Operation) -> Json:
    """Show what every answer about an operation begins with."""
    return {
        "operation_id": show_id("op", operation.id),
        "member_id": show_id("mem", operation.member_id) if operation.member_id else None,
        "revision": operation.revision,
        "effective_at": show_instant(operation.effective_at),
        "booked_at": show_instant(operation.booked_at),
    }


def show_sale(ruleset: Ruleset, sale: Sale, *, grants: Sequence[Grant], after: Mapping[str, Balance]) -> Json:
    """Show what an order comes to."""
    order, paid, buyer = sale.priced.order, sale.paid, sale.buyer.member
    total = order.total
    return {
        "currency": order.currency,
        **show_price(sale.priced),
        "codes": sale.told_codes,
        "paid_with_points": {"wallet": paid.wallet, "points": paid.points, "amount": paid.amount} if paid else None,
        "due": total - (paid.amount if paid else 0),
        "effects": show_effects(grants) if buyer else [],
        "balances": _balances(after),
        "payable": _payable(ruleset, buyer, total),
    }


def _status(buyer: Buyer) -> str:
    if buyer.member is not None:
        return "credited"
    return "guest" if buyer.parked_for is None else "parked"


def _payable(ruleset: Ruleset, buyer: MemberState | None, total: int) -> list[Json]:
    """The most of this order that each wallet could have paid, judged by the balance before it."""
    if buyer is None:
        return []
    options = []
    for wallet, balance in sorted(buyer.balances.items()):
        rules = ruleset.wallets.get(wallet)
        terms = rules.redeem if rules else None
        points = terms.most_payable(balance.available, total) if terms else 0
        if terms and points:
            options.append({"wallet": wallet, "points": points, "amount": terms.value_of(points)})
    return options


def _amounts(balance: Balance) -> list[int]:
    return [balance.available, balance.pending, balance.held, balance.debt]
