"""Memberships: the shop reports payments, trials, who leaves and who gets money back; what a member has of plans."""

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, open_session, read_clock, read_path_member, require_member_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.jobs import NothingBody
from loyalty_engine.api.schemas.memberships import (
    MemberPlansAnswer,
    MembershipCancelBody,
    MembershipEndAnswer,
    MembershipPaymentAnswer,
    MembershipPaymentBody,
    MembershipRefundBody,
    TrialAnswer,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.read_tiers import read_tiers
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    PayMembership,
    RefundPayment,
    StartTrial,
)

router = APIRouter(route_class=Route, tags=["memberships"])

_REFUSALS = ("member_not_found", "plan_not_found", "idempotency_key_reused")


@router.get(
    "/members/{member}/plans",
    operation_id="read_member_plans",
    summary="See what a member has of plans",
    **problems("member_not_found"),
)
@access("plans:read")
async def get_plans(context: CallContext, member: str) -> MemberPlansAnswer:
    """Return all plans that a member has or had: the state, until when it is paid for, and what would be given back now.

    It is right at any moment, whether or not anybody booked that a membership ended.
    """
    services, program_id = context.services, context.client.program_id
    assert isinstance(services, Services)
    now = await read_clock(context)
    async with open_session(context) as session:
        member_id = await require_member_id(context, session, member)
        found = await read_tiers(session, services.rulesets, program_id, member_id, now=now)
    if found is None:
        raise ProblemError("member_not_found")
    return MemberPlansAnswer.of(*found, now)


@router.post(
    "/members/{member}/plans/{plan}/payments",
    operation_id="pay_membership",
    status_code=201,
    response_model=MembershipPaymentAnswer,
    summary="Report a payment for a plan",
    **problems(
        *_REFUSALS,
        "member_blocked",
        "plan_not_sold",
        "payment_amount_mismatch",
        "payment_in_future",
        "payment_exists",
        "currency_mismatch",
        "membership_not_running",
        body=True,
        key=True,
    ),
)
@access("plans:write", needs_key=True)
async def post_payment(context: CallContext, body: MembershipPaymentBody, member: str, plan: str) -> Outcome:
    """Add a term: behind what was paid for already while the membership goes on, in grace too, and else from the payment on.

    A payment counts once; reported again with the same content it has the same answer, under any key.
    """
    services: Services = context.services
    request = PayMembership(
        begin_call(context),
        read_path_member(member),
        plan,
        number=body.payment,
        amount=body.amount,
        currency=body.currency,
        paid_at=body.paid_at,
        replaces=body.replaces,
    )
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/plans/{plan}/trial",
    operation_id="start_trial",
    status_code=201,
    response_model=TrialAnswer,
    summary="Let a member try a plan",
    **problems(*_REFUSALS, "member_blocked", "plan_not_sold", "trial_not_offered", "trial_used", body=True, key=True),
)
@access("plans:write", needs_key=True)
async def post_trial(context: CallContext, body: NothingBody, member: str, plan: str) -> Outcome:  # noqa: ARG001  an empty object
    """Begin the trial of a plan that the member never had."""
    services: Services = context.services
    request = StartTrial(begin_call(context), read_path_member(member), plan)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/plans/{plan}/cancel",
    operation_id="cancel_membership",
    response_model=MembershipEndAnswer,
    summary="Let a member leave a plan",
    **problems(*_REFUSALS, "membership_not_running", "membership_cancelled", body=True, key=True),
)
@access("plans:write", needs_key=True)
async def post_cancel(context: CallContext, body: MembershipCancelBody, member: str, plan: str) -> Outcome:
    """End a membership when what was paid for is over, without grace, or at once; then the answer tells how much money to give
    back by the terms of the plan.
    """
    services: Services = context.services
    request = CancelMembership(begin_call(context), read_path_member(member), plan, body.at_once, body.reason)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/plans/{plan}/refunds",
    operation_id="refund_membership_payment",
    response_model=MembershipEndAnswer,
    summary="Give a payment for a plan back",
    **problems(
        *_REFUSALS,
        "membership_not_running",
        "payment_not_found",
        "payment_not_last",
        "refund_not_offered",
        body=True,
        key=True,
    ),
)
@access("plans:write", needs_key=True)
async def post_refund(context: CallContext, body: MembershipRefundBody, member: str, plan: str) -> Outcome:
    """Take the time back that is left of the last payment; the answer tells how much of it to give back."""
    services: Services = context.services
    request = RefundPayment(
        begin_call(context),
        read_path_member(member),
        plan,
        number=body.payment,
        in_full=body.in_full,
        reason=body.reason,
    )
    return await services.executor.execute(context.caller, request)
