"""Activation: the shop confirms an order, or some of its goods, and points that waited for it can be spent."""

from dataclasses import replace
from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, open_book
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation, OrderChange
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.keeping import Keeper, spend_of
from loyalty_engine.core.engine.requests import ActivateOrder
from loyalty_engine.core.engine.restating import move_points
from loyalty_engine.core.engine.return_answers import show_activation
from loyalty_engine.core.engine.returns import keeper_of
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.returns.goods import add_lines, keep
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods


def decide_activation(ruleset: Ruleset, facts: Facts, request: ActivateOrder, now: datetime) -> Decision:
    """Confirm goods of an order. Confirming what is confirmed already changes nothing, so shops need not remember.

    What a blocked member has becomes spendable like anybody's.
    """
    known = facts.returned.get(request.order_id)
    if known is None or known.order is None:
        refuse(RefusalCode.ORDER_NOT_FOUND, "", order_id=show_id("ord", request.order_id))
    member = facts.member
    if member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "")
    keeper = keeper_of(ruleset, facts, known)
    kept = keep(keeper.order, known.state)
    state = keeper.confirm(_confirm(keeper, known.state, request.goods), kept)
    book = open_book(member, request.call.operation_id, now)
    state, _ = move_points(keeper, book, known.state, state)
    entries, after = close_book(member, book)
    operation = Operation.asked(
        "activation", request.call, now, ruleset.revision, member_id=member.id, order_id=known.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_activation(operation, keeper, known.state, state, member=after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
            order_change=OrderChange(known.id, known.changes + 1, state, spend_of(known, state, kept), kept.lines),
        )
    )


def _confirm(keeper: Keeper, state: OrderState, goods: Goods | None) -> OrderState:
    if goods is None or state.confirmed is None:
        return replace(state, confirmed=None)
    left = {line.id: line.quantity for line in keeper.order.lines}
    wanted = {
        line: None if quantity is None else min(quantity, left.get(line, 0) - state.confirmed.get(line, 0))
        for line, quantity in goods.lines.items()
    }
    news = {
        line: quantity
        for line, quantity in wanted.items()
        if line not in left or (state.confirmed.get(line, -1) < left[line] and quantity != 0)
    }
    return replace(state, confirmed=add_lines(keeper.order, state.confirmed, news))
