"""Memberships: a payment, a trial, a cancellation and a refund, decided by the terms of the plan."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty_engine.core.engine.accounts import guard, require_member, with_plans
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation, Repeated
from loyalty_engine.core.engine.facts import Facts, MemberState, OperationKind
from loyalty_engine.core.engine.membership_answers import show_membership, show_refund
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    MembershipRequest,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.orders import CLOCK_SKEW
from loyalty_engine.core.engine.requests import RecordActivity
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.memberships.membership import Membership, Payment, PlanMove
from loyalty_engine.core.memberships.terms import PlanTerms
from loyalty_engine.core.rules.order import payment_key


def decide_membership(ruleset: Ruleset, facts: Facts, request: MembershipRequest, now: datetime) -> Decision:
    """Decide what a request does to a membership."""
    match request:
        case PayMembership():
            return _decide_payment(ruleset, facts, request, now)
        case StartTrial():
            return _decide_trial(ruleset, facts, request, now)
        case CancelMembership():
            return _decide_cancellation(ruleset, facts, request, now)
        case RefundPayment():
            return _decide_refund(ruleset, facts, request, now)


def _decide_payment(ruleset: Ruleset, facts: Facts, request: PayMembership, now: datetime) -> Decision:
    """A payment adds a term, once, whatever came in between. The plan that it replaces ends, with its refund."""
    earlier = facts.same_number
    if earlier is not None:
        if earlier.request_hash == request.call.request_hash:
            return Repeated(earlier, is_same_key=False)
        _refuse_twin(facts, "/payment")
    terms = _require_plan(ruleset, request.plan)
    paid_at = now if request.paid_at is None else request.paid_at
    member = require_member(facts, "")
    payment = Payment(request.number, request.amount, paid_at)
    if request.currency != ruleset.currency:
        refuse(RefusalCode.CURRENCY_MISMATCH, "/currency", expected=ruleset.currency)
    _check_payment(terms, member.plans.get(terms.key), payment, now)
    paid = PlanMove(
        member.id, terms.key, member.plans.get(terms.key), terms.pay(member.plans.get(terms.key), payment, now)
    )
    moves, refund = [paid], show_refund(ruleset.currency, ())
    if request.replaces is not None:
        other, held = _require_other(ruleset, member, request, now)
        refund = show_refund(ruleset.currency, other.refunds(held.paid, now))
        moves.append(PlanMove(member.id, other.key, held, other.cancel(held, now, at_once=True)))
    told = {
        "payment": payment.number,
        "amount": payment.amount,
        "currency": ruleset.currency,
        "membership": show_membership(terms.key, paid.after, now),
        "replaced": None if len(moves) == 1 else show_membership(moves[1].plan, moves[1].after, now),
        "refund": refund,
    }
    changes = _change(ruleset, member, request, "plan_payment", moves=moves, told=told, now=now)
    operation = replace(changes.operation, effective_at=paid_at)
    return Accepted(
        replace(
            changes,
            operation=operation,
            answer={**head(operation), **told},
            natural_key=request.natural_key,
        )
    )


def _decide_trial(ruleset: Ruleset, facts: Facts, request: StartTrial, now: datetime) -> Decision:
    """Only who never had the plan may try it."""
    terms = _require_plan(ruleset, request.plan)
    member = require_member(facts, "")
    if terms.trial is None:
        refuse(RefusalCode.TRIAL_NOT_OFFERED, "", plan=terms.key)
    if not terms.is_sold:
        refuse(RefusalCode.PLAN_NOT_SOLD, "", plan=terms.key)
    held = member.plans.get(terms.key)
    if held is not None:
        refuse(RefusalCode.TRIAL_USED, "", plan=terms.key, since=show_instant(held.since))
    move = PlanMove(member.id, terms.key, None, terms.begin_trial(now))
    told = {"membership": show_membership(terms.key, move.after, now)}
    return Accepted(_change(ruleset, member, request, "plan_trial", moves=[move], told=told, now=now))


def _decide_cancellation(ruleset: Ruleset, facts: Facts, request: CancelMembership, now: datetime) -> Decision:
    """Who is blocked may leave, too."""
    terms = _require_plan(ruleset, request.plan)
    member = _require_anybody(facts)
    held = _require_running(terms, member, now)
    at_once = terms.cancels == "at_once" if request.at_once is None else request.at_once
    if held.cancelled_at is not None and not at_once:
        refuse(RefusalCode.MEMBERSHIP_CANCELLED, "", plan=terms.key, cancelled_at=show_instant(held.cancelled_at))
    move = PlanMove(member.id, terms.key, held, terms.cancel(held, now, at_once=at_once))
    told = {
        "membership": show_membership(terms.key, move.after, now),
        "refund": show_refund(ruleset.currency, terms.refunds(held.paid, now) if at_once else ()),
        "reason": request.reason,
    }
    return Accepted(_change(ruleset, member, request, "plan_cancel", moves=[move], told=told, now=now))


def _decide_refund(ruleset: Ruleset, facts: Facts, request: RefundPayment, now: datetime) -> Decision:
    terms = _require_plan(ruleset, request.plan)
    member = _require_anybody(facts)
    held = _require_running(terms, member, now)
    numbers = [paid.payment.number for paid in held.paid]
    if request.number not in numbers:
        refuse(RefusalCode.PAYMENT_NOT_FOUND, "", plan=terms.key)
    if request.number != numbers[-1]:
        refuse(RefusalCode.PAYMENT_NOT_LAST, "", plan=terms.key, later=len(numbers) - 1 - numbers.index(request.number))
    last = held.paid[-1]
    amount = last.payment.amount if request.in_full else terms.refundable(last, now)
    if not amount:
        refuse(RefusalCode.REFUND_NOT_OFFERED, "", plan=terms.key, refund=terms.refund.kind)
    move = PlanMove(member.id, terms.key, held, terms.take_back(held, now))
    told = {
        "membership": show_membership(terms.key, move.after, now),
        "refund": show_refund(ruleset.currency, [(last, amount)]),
        "reason": request.reason,
    }
    return Accepted(_change(ruleset, member, request, "plan_refund", moves=[move], told=told, now=now))


def pay_by_activity(
    ruleset: Ruleset, facts: Facts, request: RecordActivity, changes: Changes, *, now: datetime
) -> Changes:
    """Return what an activity changes, which reports the payment for a term if a plan names its kind.

    Its subject is the payment's id, which counts once, however it is reported.
    """
    terms = next((terms for terms in ruleset.plans.values() if terms.activity == request.kind), None)
    if terms is None or request.subject is None or changes.member is None:
        return changes
    _refuse_twin(facts, "/subject")
    after, amount = changes.member.after, request.attributes.get("amount", 0)
    assert isinstance(amount, int), "attributes are checked"
    held, payment = after.plans.get(terms.key), Payment(request.subject, amount, request.occurred_at)
    _check_payment(terms, held, payment, now, pointer="/attributes/amount")
    move = PlanMove(after.id, terms.key, held, terms.pay(held, payment, now))
    return replace(
        changes,
        answer={**changes.answer, "membership": show_membership(terms.key, move.after, now)},
        member=replace(changes.member, after=with_plans(after, [move])),
        plans=(move,),
        natural_key=payment_key(request.subject, request.call.actor.location),
    )


def _require_plan(ruleset: Ruleset, key: str) -> PlanTerms:
    """Return the terms of a plan; refuse when the program has none of that key."""
    terms = ruleset.plans.get(key)
    if terms is None:
        refuse(RefusalCode.PLAN_NOT_FOUND, "", plan=key, known=sorted(ruleset.plans))
    return terms


def _check_payment(
    terms: PlanTerms, held: Membership | None, payment: Payment, now: datetime, *, pointer: str = "/amount"
) -> None:
    """Refuse a payment that pays for no term: of another amount than the price, of a plan not sold, or not yet made."""
    if payment.paid_at > now + CLOCK_SKEW:
        times = {"paid_at": show_instant(payment.paid_at), "now": show_instant(now)}
        refuse(RefusalCode.PAYMENT_IN_FUTURE, "/paid_at", **times)
    if terms.price == 0 or not (terms.is_sold or (held is not None and held.runs(payment.paid_at))):
        refuse(RefusalCode.PLAN_NOT_SOLD, "", plan=terms.key)
    if not terms.accepts(payment.amount):
        amounts = {"amount": payment.amount, "price": terms.price, "overpaid": terms.overpaid}
        refuse(RefusalCode.PAYMENT_AMOUNT_MISMATCH, pointer, **amounts)


def _refuse_twin(facts: Facts, pointer: str) -> None:
    """Refuse a payment whose number already counts for something else."""
    earlier = facts.same_number
    if earlier is not None:
        shown = show_id("op", earlier.operation_id) if earlier.operation_id is not None else None
        refuse(RefusalCode.PAYMENT_EXISTS, pointer, operation_id=shown)


def _require_anybody(facts: Facts) -> MemberState:
    if facts.member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "")
    return facts.member


def _require_running(terms: PlanTerms, member: MemberState, now: datetime) -> Membership:
    held = member.plans.get(terms.key)
    if held is None or not held.runs(now):
        state = None if held is None else held.state(now)
        refuse(RefusalCode.MEMBERSHIP_NOT_RUNNING, "", plan=terms.key, state=state)
    return held


def _require_other(
    ruleset: Ruleset, member: MemberState, request: PayMembership, now: datetime
) -> tuple[PlanTerms, Membership]:
    """Return the plan that a payment for another one replaces, and what the member has of it."""
    other = ruleset.plans.get(request.replaces or "")
    if other is None:
        refuse(RefusalCode.PLAN_NOT_FOUND, "/replaces", plan=request.replaces, known=sorted(ruleset.plans))
    held = member.plans.get(other.key)
    if held is None or not held.runs(now) or other.key == request.plan:
        state = None if held is None else held.state(now)
        refuse(RefusalCode.MEMBERSHIP_NOT_RUNNING, "/replaces", plan=other.key, state=state)
    return other, held


def _change(
    ruleset: Ruleset,
    member: MemberState,
    request: MembershipRequest,
    kind: OperationKind,
    *,
    moves: Sequence[PlanMove],
    told: dict[str, Any],
    now: datetime,
) -> Changes:
    operation = Operation.asked(kind, request.call, now, ruleset.revision, member_id=member.id)
    after = with_plans(replace(member, version=member.version + 1, booked_at=now), moves)
    return Changes(
        operation=operation,
        answer={**head(operation), **told},
        facts=show_facts(member),
        member=guard(member, after),
        plans=tuple(moves),
    )
