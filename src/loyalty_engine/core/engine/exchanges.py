"""Exchange receipts: goods come back and others are sold on one receipt; and returns that had waited for their order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from loyalty_engine.core.engine.decision import Accepted, Changes, Decision
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.orders import decide_order
from loyalty_engine.core.engine.requests import Call, PlaceOrder
from loyalty_engine.core.engine.returns import Step, require_some, take_goods_back, wait_for_order
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.kernel.refusals import Refusal, RefusalError

_RETURNS: Final = 4 << 20
"""How far from that of the order the derived ids of returns lie that travel with it: before it, or behind its rows."""


def decide_exchange(ruleset: Ruleset, facts: Facts, request: PlaceOrder, now: datetime) -> Decision:
    """Accept a paid order after the goods that come back with it, and before those that came back before it arrived."""
    if facts.order is not None or not (request.exchanges or facts.waiting):
        return decide_order(ruleset, facts, request, now)
    before: list[Changes] = []
    for place, exchange in enumerate(request.exchanges):
        step = Step("return", _call(request.call, -_RETURNS, place), min(request.order.placed_at, now), now)
        try:
            require_some(exchange.goods)
            known = facts.returned.get(exchange.order)
            if known is None:
                changes = wait_for_order(ruleset, step, exchange.order, exchange.goods)
            else:
                changes = take_goods_back(ruleset, facts, known, goods=exchange.goods, step=step)
        except RefusalError as error:
            raise RefusalError(_within(error.refusal, place)) from error
        before.append(changes)
        facts = apply(facts, changes)
    decision = decide_order(ruleset, facts, request, now)
    if not isinstance(decision, Accepted):
        return decision
    return take_back_waiting(ruleset, facts, replace(decision, before=tuple(before)), request.call, now=now)


def take_back_waiting(ruleset: Ruleset, facts: Facts, accepted: Accepted, call: Call, *, now: datetime) -> Accepted:
    """Return an accepted order with the returns that had waited for it, after those that it brought along."""
    before = accepted.before
    if not (before or facts.waiting):
        return accepted
    changes = accepted.changes
    after = _match(ruleset, apply(facts, changes), call, now, first=len(before))
    matched = {returned for changes in after for returned in changes.matched}
    dropped = tuple(waiting.operation_id for waiting in facts.waiting if waiting.operation_id not in matched)
    returns = [part.answer for part in (*before, *after)]
    answer: Mapping[str, Any] = {**changes.answer, "returns": returns} if returns else changes.answer
    if after:
        answer = {**answer, "balances": after[-1].answer["balances"]}
    return Accepted(replace(changes, answer=answer, dropped=dropped), before=before, after=after)


def _match(ruleset: Ruleset, facts: Facts, call: Call, now: datetime, *, first: int) -> tuple[Changes, ...]:
    """Apply the returns that waited for the order, the ``first``-th of its returns and on; one that cannot be is dropped."""
    after: list[Changes] = []
    for place, waiting in enumerate(facts.waiting, start=first):
        known = facts.returned[call.operation_id]
        step = Step("return", _call(call, _RETURNS, place), min(waiting.returned_at, now), now)
        try:
            changes = take_goods_back(ruleset, facts, known, goods=waiting.goods, step=step)
        except RefusalError:
            continue
        after.append(replace(changes, matched=(waiting.operation_id,)))
        facts = apply(facts, changes)
    return tuple(after)


def _call(call: Call, start: int, place: int) -> Call:
    return replace(call, operation_id=nth(call.operation_id, start + (place << 16)), key=None)


def _within(refusal: Refusal, place: int) -> Refusal:
    return replace(refusal, pointer=f"/returns/{place}{refusal.pointer}")
