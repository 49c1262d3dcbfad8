"""Looks: what an order would do if it were placed now. It is decided as the order would be, and nothing is written.

A till and a shop look several times for every order that they place. So a look shares all that decides with
:mod:`orders` and leaves out what only makes rows.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from loyalty_engine.core.earning.evaluation import Earned
from loyalty_engine.core.earning.index import Seen
from loyalty_engine.core.engine.accounts import booking_time, check_balances, open_tally
from loyalty_engine.core.engine.answers import Json, show_look
from loyalty_engine.core.engine.decision import Refused
from loyalty_engine.core.engine.due import is_due, settle_facts
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.issuing import foresee
from loyalty_engine.core.engine.orders import check_order, check_place, find_untimely, rules_of_its_time
from loyalty_engine.core.engine.pricing import nudge
from loyalty_engine.core.engine.referral_following import foresee_referral, is_about_referral, prepare
from loyalty_engine.core.engine.requests import Call, EvaluateOrder
from loyalty_engine.core.engine.reservations import end_replaced
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.sales import admit
from loyalty_engine.core.engine.settlement import earn_on, pay_and_credit
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.engine.tiers import foresee_tiers
from loyalty_engine.core.kernel.refusals import RefusalError
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.rules.order import Order

_NO_OPERATION: Final = UUID(int=0)
"""From which ids are derived that nobody sees."""


class Look(NamedTuple):
    """What the caller gets, and the facts by which rules and promotions were found: they explain those that were not."""

    answer: Json
    seen: Seen
    seen_by_promotions: Seen


def look(ruleset: Ruleset, facts: Facts, request: EvaluateOrder, now: datetime) -> Look | Refused:
    """Return what placing the order as a new one would come to at the program's clock ``now``.

    What an order of that number did before plays no part. One that somebody would have to look at is refused here.
    """
    now = booking_time(facts, now)
    if facts.member is not None and is_due(facts.member, now):
        facts, _ = settle_facts(ruleset, facts, _call(request), now)
    try:
        if not is_about_referral(facts, request):
            return _look(ruleset, facts, request, now)
        prepared = prepare(ruleset, facts, request, call=_call(request), now=now)
        seen = _look(ruleset, _not_enrolled(facts, prepared.facts), request, now)
    except RefusalError as error:
        return Refused(error.refusal)
    told = foresee_referral(prepared, now)
    if told is None or isinstance(seen, Refused):
        return seen
    return seen._replace(answer={**seen.answer, "referral": told})


def _call(request: EvaluateOrder) -> Call:
    """Return what stands for a call where something is decided that would come before the order."""
    return Call(_NO_OPERATION, request.actor, b"")


def _not_enrolled(facts: Facts, prepared: Facts) -> Facts:
    """Return the facts that an order is looked at upon: who enrols as a friend with it is not a member yet."""
    if facts.member is not None or prepared.member is None:
        return prepared
    return replace(prepared, member=replace(prepared.member, version=0))


def _look(ruleset: Ruleset, facts: Facts, request: EvaluateOrder, now: datetime) -> Look | Refused:
    check_place(request.order, request.actor)
    untimely = find_untimely(ruleset.orders, request.order, now)
    ruleset = rules_of_its_time(ruleset, facts)
    check_order(ruleset, request.order)
    if untimely is not None:
        return Refused(untimely.refusal)
    if request.replaces is not None:
        freed = end_replaced(ruleset, facts, request.replaces, buyer=request.member, call=_call(request), now=now)
        facts = apply(facts, freed)
    sale = admit(ruleset, facts, request, now=now, operation_id=_NO_OPERATION)
    member, priced = sale.buyer.member, sale.priced
    earned = earn_on(ruleset, priced, member=member, paid=sale.paid, shared=facts.counters, now=now, remembers=False)
    after = _balances_after(ruleset, priced.order, member, paid=sale.paid, earned=earned, now=now) if member else {}
    nudges = nudge(ruleset, priced, member=member, shared=facts.counters, now=now)
    given = [memory.promotion for memory in priced.memory]
    issued = foresee(ruleset, facts, given, member=member, now=now) if given else []
    answer = show_look(ruleset, sale, earned=earned, after=after, nudges=nudges, issued=issued)
    if ruleset.ladders and member is not None:
        moves = foresee_tiers(ruleset, member, priced.order, paid=sale.paid, earned=earned, now=now)
        answer["tiers"] = show_moves(ruleset.ladders, moves)
    return Look(answer, earned.seen, priced.seen or {})


def _balances_after(
    ruleset: Ruleset, order: Order, member: MemberState, *, paid: PaidPoints | None, earned: Earned, now: datetime
) -> Mapping[str, Balance]:
    tally = open_tally(member, now)
    pay_and_credit(ruleset, tally, order, paid=paid, earned=earned, now=now)
    check_balances(tally.changed)
    return {**member.balances, **tally.changed}
