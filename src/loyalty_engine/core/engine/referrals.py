"""Referrals: friends register with an advocate's code, somebody looks at what is suspicious, and both are rewarded."""

from dataclasses import replace
from datetime import datetime

from loyalty_engine.core.earning.limits import drop_ended
from loyalty_engine.core.engine.accounts import guard, require_member
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.referral_answers import show_registration
from loyalty_engine.core.engine.referral_requests import (
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.engine.referral_rewards import (
    Occasion,
    brought,
    change_friend,
    moved_on,
    operation_of,
    reward,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.transfers import require_other
from loyalty_engine.core.engine.views import snapshot
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.referrals.guards import Finding, find_suspicions
from loyalty_engine.core.referrals.state import Reason, Referral, approve, reject, state_at, suspect
from loyalty_engine.core.referrals.terms import ReferralTerms
from loyalty_engine.core.rules.view import View


def decide_registration(
    ruleset: Ruleset, facts: Facts, request: RegisterReferral, now: datetime, *, came_at: datetime | None = None
) -> Accepted:
    """Bind a new friend to its advocate, for ever; what is suspicious waits for a look or is rejected, and is kept.

    ``came_at`` is when the friend came, None: now. That may be earlier: receipts are heard of late.
    """
    terms = _require_terms(ruleset, request.programme)
    friend = require_member(facts)
    if facts.other is None:
        refuse(RefusalCode.REFERRAL_CODE_NOT_FOUND, "/code")
    if facts.other.id == friend.id:
        refuse(RefusalCode.REFERRAL_OF_SELF, "/code")
    if facts.referral is not None:
        refuse(RefusalCode.REFERRAL_EXISTS, "/member", referral_id=show_id("rfl", facts.referral.id))
    advocate = require_other(facts, "/code")
    _require_new(terms, friend, now)
    if terms.when is not None and terms.when(View(at=now, zone=ruleset.zone, member=snapshot(ruleset, advocate, now))):
        refuse(RefusalCode.ADVOCATE_NOT_ALLOWED, "/code", programme=terms.key)
    registered_at = now if came_at is None else min(came_at, now)
    day = terms.day_counter(now)
    today = advocate.counters.get(day, 0) + 1
    referral = Referral(
        id=request.call.operation_id,
        programme=terms.key,
        friend_id=friend.id,
        advocate_id=advocate.id,
        registered_at=registered_at,
        ends_at=terms.ends_at(registered_at),
    )
    found: dict[Reason, Finding] = find_suspicions(terms.guards, referral, facts.ties)
    if terms.guards.per_day is not None and today > terms.guards.per_day:
        found[Reason("too_many_a_day")] = "review"
    referral = suspect(referral, found)
    operation = operation_of(ruleset, "referral", referral, Occasion(referral.id, request.call, registered_at, now))
    theirs = {**drop_ended(advocate.counters, now.astimezone(ruleset.zone)), day: today}
    return Accepted(
        Changes(
            operation=operation,
            answer=show_registration(operation, referral),
            facts=show_facts(friend),
            member=moved_on(friend, operation, brought(friend, referral)),
            other=moved_on(advocate, operation, theirs),
            referral=referral,
            fingerprints=request.fingerprints,
        )
    )


def decide_fingerprints(ruleset: Ruleset, facts: Facts, request: SeeFingerprints, now: datetime) -> Decision:
    """Keep what a member was seen with; it speaks against referrals that are registered or rewarded from now on."""
    member = facts.member
    if member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "/member")
    operation = Operation.asked("fingerprints", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer={**head(operation), "fingerprints": len(request.fingerprints)},
            facts=show_facts(member),
            member=guard(member, replace(member, version=member.version + 1, booked_at=now)),
            fingerprints=request.fingerprints,
        )
    )


def decide_review(ruleset: Ruleset, facts: Facts, request: ReviewReferral, now: datetime) -> Decision:
    """Let a referral count, or not. The rewards that follow from this are given, or taken back, along with it."""
    referral, friend = _require_referral(facts, request)
    state, _ = state_at(referral, now)
    if request.verdict == "approve":
        if referral.state not in ("in_review", "rejected"):
            refuse(RefusalCode.REFERRAL_NOT_IN_REVIEW, "", state=state)
        require_member(facts, "")
        require_other(facts, "")
        reviewed = approve(referral)
    elif referral.verdict == "rejected":
        refuse(RefusalCode.REFERRAL_NOT_IN_REVIEW, "", state=state)
    elif referral.counts:
        reviewed = replace(referral, verdict="rejected", counts_for=None)
    else:
        reviewed = reject(referral)
    operation = operation_of(
        ruleset, "referral_review", reviewed, Occasion(request.call.operation_id, request.call, now, now)
    )
    return Accepted(change_friend(operation, friend, reviewed, reason=request.reason))


def decide_reward(ruleset: Ruleset, facts: Facts, request: RewardReferral, now: datetime) -> Decision:
    """Reward both sides of a referral that has stood for its time."""
    referral, _ = _require_referral(facts, request)
    settles_at = referral.settles_at
    if settles_at is None or settles_at > now:
        shown = None if settles_at is None else show_instant(settles_at)
        refuse(RefusalCode.REFERRAL_NOT_DUE, "", state=state_at(referral, now)[0], settles_at=shown)
    return Accepted(reward(ruleset, facts, Occasion(request.call.operation_id, request.call, settles_at, now)))


def _require_referral(facts: Facts, request: ReviewReferral | RewardReferral) -> tuple[Referral, MemberState]:
    if facts.referral is None or facts.member is None:
        refuse(RefusalCode.REFERRAL_NOT_FOUND, "", referral_id=show_id("rfl", request.referral_id))
    return facts.referral, facts.member


def _require_terms(ruleset: Ruleset, key: str | None) -> ReferralTerms:
    """Return the terms that are meant: named, or the only ones."""
    known = sorted(ruleset.referrals)
    if key is None and len(known) == 1:
        key = known[0]
    terms = None if key is None else ruleset.referrals.get(key)
    if terms is None:
        refuse(RefusalCode.REFERRALS_NOT_OFFERED, "/programme", known=known)
    return terms


def _require_new(terms: ReferralTerms, friend: MemberState, now: datetime) -> None:
    """Refuse who is a customer already: whoever ever ordered, even if it all came back."""
    if friend.first_order_at is not None or friend.orders:
        refuse(RefusalCode.FRIEND_NOT_NEW, "/member", orders=friend.orders)
    if not terms.is_new(friend.enrolled_at, now):
        assert friend.enrolled_at is not None
        refuse(RefusalCode.FRIEND_NOT_NEW, "/member", enrolled_at=show_instant(friend.enrolled_at))
