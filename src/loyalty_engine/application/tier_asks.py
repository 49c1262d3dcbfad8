"""What tier sets want gather to read, whatever the request is."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.membership_requests import CancelMembership, PayMembership, RefundPayment, StartTrial
from loyalty_engine.core.engine.requests import (
    ClaimOrder,
    EndGrant,
    EvaluateOrder,
    MergeMembers,
    PlaceOrder,
    RecordActivity,
    ReserveOrder,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.tiers.lookback import Lookback
from loyalty_engine.persistence.asks import Ask


def ask_for_tiers(
    ask: Ask,
    request: Asked | EvaluateOrder,
    ruleset: Ruleset,
    *,
    order: Order | None = None,
) -> Ask:
    """Return the ask with what the tier sets and plans of today's ``ruleset`` look at, also about the second member.

    Whoever touches a member has to know where it is, because that may run out; what is counted only if it may lead up.
    ``order`` is the one that the request claims, once it is known.
    """
    lookback, other = ruleset.lookback, ask.other
    if ruleset.plans:
        other = None if other is None else replace(other, wants_plans=True)
        ask = replace(ask, wants_plans=True, other=other)
    if lookback is None:
        return ask
    matter = _matter(lookback, request, order, ask.now, pays=_pays(ruleset, request))
    if other is not None:
        # What the second member has counts for the first one once they are one.
        other = replace(other, lookback=matter if isinstance(request, MergeMembers) else lookback)
    return replace(ask, lookback=matter, other=other)


def join_lookbacks(lookbacks: Iterable[Lookback | None]) -> Lookback | None:
    """Return what is seen of all of them, which look at the same tier sets."""
    found = [lookback for lookback in lookbacks if lookback is not None]
    if not found:
        return None
    return replace(
        found[0],
        orders_at=_first(lookback.orders_at for lookback in found),
        earned_at=_first(lookback.earned_at for lookback in found),
    )


def _matter(
    lookback: Lookback,
    request: Asked | EvaluateOrder,
    order: Order | None,
    now: datetime,
    *,
    pays: bool,
) -> Lookback:
    """Return the lookback with the moment that the request is about, if what it does may count.

    Plans matter now, whoever ``pays`` for one: a member that another one leads is first where it would be without.
    """
    match request:
        case PlaceOrder() | ReserveOrder() | EvaluateOrder():
            at = request.order.placed_at
            return replace(lookback, orders_at=at, earned_at=at)
        case ClaimOrder() if order is not None:
            return replace(lookback, orders_at=order.placed_at, earned_at=order.placed_at)
        case EndGrant() | MergeMembers() | PayMembership() | StartTrial() | CancelMembership() | RefundPayment():
            return replace(lookback, orders_at=now, earned_at=now)
        case RecordActivity():
            return replace(lookback, orders_at=now if pays else None, earned_at=request.occurred_at)
        case _:
            return lookback


def _pays(ruleset: Ruleset, request: Asked | EvaluateOrder) -> bool:
    """Tell whether an activity reports the payment for a plan."""
    if not isinstance(request, RecordActivity):
        return False
    return any(terms.activity == request.kind for terms in ruleset.plans.values())


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
