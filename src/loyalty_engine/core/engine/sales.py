"""Sales: who buys an order, for what price, and what points pay of it. Orders and looks begin alike."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.accounts import new_member, require_redeem_terms
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.pricing import Priced, price
from loyalty_engine.core.engine.requests import EvaluateOrder, MemberRef, Payment, PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.rules.order import Order


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought: a member, a new member enrolled under the unknown card, or nobody we know yet."""

    member: MemberState | None
    enrolled_as: tuple[Identity, ...] = ()
    parked_for: Identity | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that can be: who bought, for what price, and what points pay of that."""

    buyer: Buyer
    priced: Priced
    paid: PaidPoints | None


def admit(
    ruleset: Ruleset, facts: Facts, request: PlaceOrder | EvaluateOrder, *, now: datetime, operation_id: UUID
) -> Sale:
    """Return who buys, for what price, and what points pay of it; refuse what cannot be.

    Who is not a member yet enrols with the operation of that id. An order that is past was paid elsewhere, at its price.
    """
    buyer = _find_buyer(ruleset, facts, request.member, now=now, operation_id=operation_id)
    if isinstance(request, PlaceOrder) and request.is_past:
        priced = Priced(request.order)
    else:
        priced = price(ruleset, request.order, member=buyer.member, shared=facts.counters, now=now)
    return Sale(buyer, priced, _plan_payment(ruleset, request.payment, priced.order, buyer.member))


def _find_buyer(ruleset: Ruleset, facts: Facts, named: MemberRef | None, *, now: datetime, operation_id: UUID) -> Buyer:
    """Tell who bought; an unknown card is treated as the program's policy says."""
    if named is None:
        return Buyer(None)
    member = facts.member
    if member is not None:
        if member.status == "blocked":
            refuse(RefusalCode.MEMBER_BLOCKED, "/member")
        return Buyer(member)
    if not isinstance(named, str) or ruleset.unknown_card == "refuse":
        refuse(RefusalCode.MEMBER_NOT_FOUND, "/member")
    if ruleset.unknown_card == "park":
        return Buyer(None, parked_for=named)
    return Buyer(new_member(operation_id, now), enrolled_as=(named,))


def _plan_payment(
    ruleset: Ruleset, wish: Payment | None, order: Order, member: MemberState | None
) -> PaidPoints | None:
    """Return what points pay of the order; refuse a wish that cannot be met in full."""
    if wish is None:
        return None
    if member is None:
        refuse(RefusalCode.MEMBER_REQUIRED, "/pay_with_points")
    terms = require_redeem_terms(ruleset, wish.wallet, "/pay_with_points/wallet")
    total = order.total
    balance = member.balances.get(wish.wallet)
    available = balance.available if balance else 0
    if wish.points is None:
        most = terms.most_payable(available, total)
        return PaidPoints(wish.wallet, most, terms.value_of(most)) if most else None
    pointer = "/pay_with_points/points"
    terms.check(wish.points, pointer)
    most = terms.most_payable(wish.points, total)
    if wish.points > most:
        refuse(RefusalCode.POINTS_ABOVE_SHARE, pointer, points=wish.points, most=most)
    if wish.points > available:
        refuse(RefusalCode.INSUFFICIENT_POINTS, pointer, needed=wish.points, available=available)
    return PaidPoints(wish.wallet, wish.points, terms.value_of(wish.points))
