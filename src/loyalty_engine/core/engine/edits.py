"""Edits: an order changes before anything of it was shipped or came back, and earns as if it had been placed like that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_engine.core.earning.evaluation import Earned, Grant
from loyalty_engine.core.engine.accounts import close_book, guard, open_book, terms_of
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation, OrderChange, Take
from loyalty_engine.core.engine.facts import Facts, KnownOrder, MemberState
from loyalty_engine.core.engine.keeping import Group, Keeper, give_back_limits, spend_of
from loyalty_engine.core.engine.orders import check_order
from loyalty_engine.core.engine.pricing import Priced, price
from loyalty_engine.core.engine.requests import EditOrder
from loyalty_engine.core.engine.restating import take_points
from loyalty_engine.core.engine.return_answers import Edit, show_edit
from loyalty_engine.core.engine.returns import keeper_of
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.settlement import credit, earn_on, takes_of, use_limits
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.promotions.open_codes import Opened, open_again
from loyalty_engine.core.returns.points import as_earned
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.history import PastOrder


def decide_edit(ruleset: Ruleset, facts: Facts, request: EditOrder, now: datetime) -> Decision:
    """Replace the goods of an order; its price and what it earns are judged by today's rules, as of when it was placed.

    ``request`` has the goods as the shop reports them, before promotions.
    """
    known = _require_editable(facts, request)
    keeper = keeper_of(ruleset, facts, known)
    order = replace(
        keeper.order, lines=request.lines, shipping=request.shipping, shipping_off=0, tenders=request.tenders
    )
    check_order(ruleset, order)
    operation = Operation.asked(
        "order_edit",
        request.call,
        now,
        ruleset.revision,
        member_id=known.claimed_by or known.member_id,
        order_id=known.id,
    )
    without = _without(keeper, facts, operation)
    opened = _open_again(keeper)
    priced = price(ruleset, order, member=without.member, shared=without.shared, now=now, opened=opened)
    paid = known.payment.amount if known.payment else 0
    if priced.order.total < paid:
        refuse(RefusalCode.ORDER_BELOW_PAYMENT, "/lines", paid_with_points=paid)
    if without.member is None:
        edit = Edit(known, priced)
        return Accepted(
            Changes(
                operation=operation,
                answer=show_edit(operation, edit, member=None, reason=request.reason),
                facts=show_facts(None, {}, priced.seen),
                promotion_reasons=priced.reasons,
                order_change=_change(known, OrderState(edited=priced.order, promoted=priced.memory)),
                takes=_net((*without.takes, *takes_of(priced.uses))),
            )
        )
    return Accepted(_settle_again(keeper, facts, operation, without=without, priced=priced, reason=request.reason))


def _settle_again(
    keeper: Keeper, facts: Facts, operation: Operation, *, without: "_Without", priced: Priced, reason: str
) -> Changes:
    ruleset, known, member = keeper.ruleset, keeper.known, facts.member
    assert member is not None
    assert without.member is not None
    assert member.sees_lots, "gather reads lots for an order that changes"
    now = operation.booked_at
    earned = earn_on(ruleset, priced, member=without.member, paid=known.payment, shared=without.shared, now=now)
    book = open_book(member, operation.id, now)
    less, more = _difference(keeper, earned)
    credit(ruleset, book, more, min(priced.order.placed_at, now))
    taken = take_points(keeper, book, less)
    change = _change(known, OrderState(edited=priced.order, earned=earned.memory, promoted=priced.memory))
    uses = (*earned.uses, *priced.uses)
    changed = {
        "spend": without.member.spend + change.spend,
        "counters": without.member.counters,
        **use_limits(ruleset, without.member, uses, now),
    }
    entries, after = close_book(member, book, changed)
    edit = Edit(known, priced, earned.grants, taken)
    return Changes(
        operation=operation,
        answer=show_edit(operation, edit, member=after, reason=reason),
        facts=show_facts(member, earned.seen, priced.seen),
        reasons=earned.reasons,
        promotion_reasons=priced.reasons,
        member=guard(member, after),
        entries=entries,
        order_change=change,
        takes=_net((*without.takes, *takes_of(uses))),
    )


def _require_editable(facts: Facts, request: EditOrder) -> KnownOrder:
    known = facts.returned.get(request.order_id)
    shown = show_id("ord", request.order_id)
    if known is None or known.order is None:
        refuse(RefusalCode.ORDER_NOT_FOUND, "", order_id=shown)
    state = known.state
    if state.lines or state.amount or state.shipping or state.confirmed is None or state.confirmed:
        refuse(RefusalCode.ORDER_NOT_EDITABLE, "", order_id=shown)
    return known


@dataclass(frozen=True, slots=True)
class _Without:
    """How things would be if an order had not been placed: its member, if anybody has it, and what all use of limits that
    they share. ``takes`` give back what it took of these.
    """

    member: MemberState | None
    shared: Mapping[str, int]
    takes: tuple[Take, ...]


def _without(keeper: Keeper, facts: Facts, operation: Operation) -> _Without:
    known, member = keeper.known, facts.member if operation.member_id is not None else None
    nothing = replace(known.state, kept=dict.fromkeys(as_earned(known.earned), 0), is_gone=True)
    counters, takes = give_back_limits(keeper, member, known.state, nothing)
    shared = {take.counter: facts.counters.get(take.counter, 0) + take.amount for take in takes}
    if member is not None:
        member = _forget(keeper, replace(member, counters=counters))
    return _Without(member, {**facts.counters, **shared}, takes)


def _open_again(keeper: Keeper) -> Opened:
    """Return what the promo codes of an order open that are still of use to it: what became of them since does not matter."""
    promoted = {one.promotion for one in keeper.known.promoted}
    codes = [code for code in keeper.known.codes if code.promotion in promoted]
    return open_again(codes, keeper.ruleset.promotions, takes_uses=not keeper.ruleset.keeps_codes_used)


def _forget(keeper: Keeper, member: MemberState) -> MemberState:
    """Return the member as if the order had not been placed."""
    spend = spend_of(keeper.known, keeper.known.state, keeper.order)
    history = list(member.history)
    for lines in (), keeper.order.lines:
        this = PastOrder(keeper.order.placed_at, spend, lines)
        if this in history:
            history.remove(this)
            break
    return replace(member, orders=member.orders - 1, spend=member.spend - spend, history=tuple(history))


def _difference(keeper: Keeper, earned: Earned) -> tuple[Mapping[Group, int], list[Grant]]:
    """Return what the order earns less, and what it earns more: one grant for all points that become spendable alike."""
    before = keeper.kept(keeper.known.state)
    grants: dict[Group, Grant] = {}
    for grant in earned.grants:
        terms = terms_of(keeper.ruleset, grant.wallet, grant.activation)
        group = grant.wallet, terms.available_at(keeper.order.placed_at)
        earlier = grants[group].amount if group in grants else 0
        grants[group] = grant._replace(amount=earlier + grant.amount, activation=terms)
    less = {group: points - (grants[group].amount if group in grants else 0) for group, points in before.items()}
    more = [grant._replace(amount=grant.amount - before.get(group, 0)) for group, grant in grants.items()]
    return {group: points for group, points in less.items() if points > 0}, [
        grant for grant in more if grant.amount > 0
    ]


def _net(takes: Iterable[Take]) -> tuple[Take, ...]:
    """Join what is given back to a counter and taken from it anew: what is taken finds the room that it leaves itself."""
    joined: dict[str, Take] = {}
    for take in takes:
        earlier = joined.get(take.counter)
        joined[take.counter] = take if earlier is None else replace(take, amount=earlier.amount + take.amount)
    return tuple(take for take in joined.values() if take.amount)


def _change(known: KnownOrder, state: OrderState) -> OrderChange:
    order = state.edited
    assert order is not None
    return OrderChange(known.id, known.changes + 1, state, spend_of(known, state, order), order.lines)
