"""The engine's one entrance: ``decide(ruleset, facts, request, now) -> Decision``.

Pure: the same arguments give the same decision, for ever. A request that was decided before is repeated word for
word; everything else goes to the room of its noun.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from loyalty_engine.core.engine.accounts import booking_time
from loyalty_engine.core.engine.activation import decide_activation
from loyalty_engine.core.engine.activities import decide_activity
from loyalty_engine.core.engine.adjustments import decide_adjustment
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.claims import decide_claim
from loyalty_engine.core.engine.confirmations import decide_confirmation
from loyalty_engine.core.engine.decision import Accepted, Decision, Refused, Repeated
from loyalty_engine.core.engine.due import settle_facts
from loyalty_engine.core.engine.edits import decide_edit
from loyalty_engine.core.engine.exchanges import decide_exchange
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.holds import decide_hold, decide_hold_end
from loyalty_engine.core.engine.issuing import decide_issue
from loyalty_engine.core.engine.lots import decide_lot_change
from loyalty_engine.core.engine.members import decide_change, decide_enrolment, decide_status
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.memberships import decide_membership
from loyalty_engine.core.engine.merges import decide_merge
from loyalty_engine.core.engine.opening_lots import decide_opening
from loyalty_engine.core.engine.redemptions import decide_cancel, decide_redemption
from loyalty_engine.core.engine.referral_following import follow, prepare
from loyalty_engine.core.engine.referral_requests import (
    ReferralRequest,
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.engine.referrals import (
    decide_fingerprints,
    decide_registration,
    decide_review,
    decide_reward,
)
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    CancelRedemption,
    ChangeLot,
    ChangeMember,
    ClaimOrder,
    ConfirmReservation,
    EditOrder,
    EndGrant,
    EndHold,
    EnrolMember,
    GrantTier,
    HoldPoints,
    IssueCode,
    MergeMembers,
    OpenLots,
    PlaceOrder,
    RecordActivity,
    Redeem,
    ReleaseReservation,
    ReserveOrder,
    ReturnGoods,
    ReverseOperation,
    SetStatus,
    Transfer,
)
from loyalty_engine.core.engine.reservations import decide_release, decide_reservation
from loyalty_engine.core.engine.returns import decide_order_cancel, decide_return
from loyalty_engine.core.engine.reversals import decide_reversal
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_grants import decide_grant, decide_grant_end
from loyalty_engine.core.engine.tiers import climb
from loyalty_engine.core.engine.transfers import decide_transfer
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, RefusalError


def decide(ruleset: Ruleset, facts: Facts, request: Asked, now: datetime) -> Decision:
    """Return what ``request`` does to the loyalty state that ``facts`` show, at the program's clock ``now``."""
    repeated = _find_repeat(facts, request)
    if repeated is not None:
        return repeated
    now = booking_time(facts, now)
    facts, before = settle_facts(ruleset, facts, request.call, now)
    try:
        prepared = prepare(ruleset, facts, request, call=request.call, now=now)
        decision = follow(ruleset, prepared, _decide_anew(ruleset, prepared.facts, request, now), now)
    except RefusalError as error:
        return Refused(error.refusal)
    if not isinstance(decision, Accepted):
        return decision
    if prepared.before:
        decision = replace(decision, before=(*prepared.before, *decision.before))
    if ruleset.ladders:
        decision = climb(ruleset, facts, decision)
    return replace(decision, before=(*before, *decision.before)) if before else decision


def _decide_anew(ruleset: Ruleset, facts: Facts, request: Asked, now: datetime) -> Decision:
    match request:
        case PlaceOrder():
            return decide_exchange(ruleset, facts, request, now)
        case ReturnGoods():
            return decide_return(ruleset, facts, request, now)
        case CancelOrder():
            return decide_order_cancel(ruleset, facts, request, now)
        case EditOrder():
            return decide_edit(ruleset, facts, request, now)
        case ActivateOrder():
            return decide_activation(ruleset, facts, request, now)
        case RecordActivity():
            return decide_activity(ruleset, facts, request, now)
        case Redeem():
            return decide_redemption(ruleset, facts, request, now)
        case HoldPoints():
            return decide_hold(ruleset, facts, request, now)
        case EndHold():
            return decide_hold_end(ruleset, facts, request, now)
        case CancelRedemption():
            return decide_cancel(ruleset, facts, request, now)
        case Adjust():
            return decide_adjustment(ruleset, facts, request, now)
        case ChangeLot():
            return decide_lot_change(ruleset, facts, request, now)
        case Transfer():
            return decide_transfer(ruleset, facts, request, now)
        case MergeMembers():
            return decide_merge(ruleset, facts, request, now)
        case GrantTier() | EndGrant():
            return _decide_tier(ruleset, facts, request, now)
        case ReverseOperation():
            return decide_reversal(ruleset, facts, request, now)
        case ClaimOrder():
            return decide_claim(ruleset, facts, request, now)
        case EnrolMember():
            return decide_enrolment(ruleset, facts, request, now)
        case OpenLots():
            return decide_opening(ruleset, facts, request, now)
        case ChangeMember():
            return decide_change(ruleset, facts, request, now)
        case SetStatus():
            return decide_status(ruleset, facts, request, now)
        case ReserveOrder():
            return decide_reservation(ruleset, facts, request, now)
        case ConfirmReservation():
            return decide_confirmation(ruleset, facts, request, now)
        case ReleaseReservation():
            return decide_release(ruleset, facts, request, now)
        case IssueCode():
            return decide_issue(ruleset, facts, request, now)
        case RegisterReferral() | SeeFingerprints() | ReviewReferral() | RewardReferral():
            return _decide_referral(ruleset, facts, request, now)
        case PayMembership() | StartTrial() | CancelMembership() | RefundPayment():
            return decide_membership(ruleset, facts, request, now)
        case _:
            assert_never(request)


def _decide_tier(ruleset: Ruleset, facts: Facts, request: GrantTier | EndGrant, now: datetime) -> Decision:
    match request:
        case GrantTier():
            return decide_grant(ruleset, facts, request, now)
        case EndGrant():
            return decide_grant_end(ruleset, facts, request, now)


def _decide_referral(ruleset: Ruleset, facts: Facts, request: ReferralRequest, now: datetime) -> Decision:
    match request:
        case RegisterReferral():
            return decide_registration(ruleset, facts, request, now)
        case SeeFingerprints():
            return decide_fingerprints(ruleset, facts, request, now)
        case ReviewReferral():
            return decide_review(ruleset, facts, request, now)
        case RewardReferral():
            return decide_reward(ruleset, facts, request, now)


def _find_repeat(facts: Facts, request: Asked) -> Decision | None:
    """A known key repeats its answer; the same key with another request is refused and bound to nothing."""
    earlier = facts.earlier
    if earlier is None:
        return None
    if earlier.request_hash == request.call.request_hash:
        return Repeated(earlier, is_same_key=True)
    return Refused(Refusal(RefusalCode.IDEMPOTENCY_KEY_REUSED), is_stored=False)
