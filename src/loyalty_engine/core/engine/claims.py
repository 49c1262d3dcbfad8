"""Claims: a member takes over an order that was accepted without one, once."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import guard, require_member
from loyalty_engine.core.engine.answers import show_claim, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation, OrderChange
from loyalty_engine.core.engine.facts import Facts, KnownOrder
from loyalty_engine.core.engine.orders import rules_of_its_time
from loyalty_engine.core.engine.pricing import Priced
from loyalty_engine.core.engine.repricing import PricedOrder
from loyalty_engine.core.engine.requests import ClaimOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.settlement import settle
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.returns.goods import keep
from loyalty_engine.core.returns.state import OrderState


def decide_claim(ruleset: Ruleset, facts: Facts, request: ClaimOrder, now: datetime) -> Decision:
    """Credit a guest order, or one parked for an unknown card, to its member as if it had been known then.

    Its price stays what it was. What came back of it meanwhile earns nothing: from now on the order is what was left of it.
    """
    member = require_member(facts)
    known = _require_claimable(facts, request)
    if known.parked_for is not None and known.parked_owner != member.id:
        refuse(RefusalCode.ORDER_CLAIM_MISMATCH, "/member")
    assert known.order is not None
    ruleset = rules_of_its_time(ruleset, facts)
    whole = known.state.edited or known.order
    order = keep(whole, known.state)
    promoted = PricedOrder(ruleset, whole, known.promoted).left(known.state) if known.changes else known.promoted
    operation = Operation.asked(
        "claim",
        request.call,
        now,
        ruleset.revision,
        member_id=member.id,
        order_id=known.id,
        effective_at=known.order.placed_at,
    )
    priced = Priced(order, memory=promoted)
    settled = settle(ruleset, operation, priced, member=member, paid=None, shared=facts.counters)
    assert settled.after is not None
    change = None
    if known.changes:
        state = OrderState(edited=order, earned=settled.earned.memory, promoted=promoted)
        change = OrderChange(known.id, known.changes + 1, state, order.goods_total, order.lines)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_claim(operation, order, settled),
            facts=show_facts(member, settled.earned.seen),
            reasons=settled.earned.reasons,
            member=guard(member, settled.after),
            entries=settled.entries,
            claimed_order_id=known.id,
            claimed=settled.earned.memory,
            order_change=change,
            takes=settled.takes,
        )
    )


def _require_claimable(facts: Facts, request: ClaimOrder) -> KnownOrder:
    if facts.order is None:
        refuse(RefusalCode.ORDER_NOT_FOUND, "", order_id=show_id("ord", request.order_id))
    if facts.order.member_id is not None or facts.order.claimed_by is not None:
        refuse(RefusalCode.ORDER_ALREADY_CLAIMED, "", order_id=show_id("ord", facts.order.id))
    if facts.order.state.is_gone:
        refuse(RefusalCode.ORDER_ALREADY_CANCELLED, "", order_id=show_id("ord", facts.order.id))
    return facts.order
