"""Following referrals: what a friend buys, does and brings back moves its referral on, whatever request that was.

So orders, returns, edits, claims and activities know nothing of referrals. What they decided is looked through here, and
rewards follow it as operations of their own, in the same write.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from loyalty_engine.core.engine.accounts import new_member
from loyalty_engine.core.engine.answers import show_balances
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.referral_answers import show_for_friend, show_referral
from loyalty_engine.core.engine.referral_requests import RegisterReferral, RewardReferral
from loyalty_engine.core.engine.referral_rewards import Occasion, brought, reward, take_rewards_back
from loyalty_engine.core.engine.referrals import decide_registration
from loyalty_engine.core.engine.requests import Call, EvaluateOrder, PlaceOrder, ReserveOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.ids import nth, show_id
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode, RefusalError
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.codes import is_code_of
from loyalty_engine.core.referrals.state import Proof, Referral, State, disprove, doubt, prove, state_at, tell_friend
from loyalty_engine.core.referrals.terms import ReferralTerms

_REWARDED: Final = -(6 << 20)
_REGISTERED: Final = -(5 << 20)
_CONCLUDED: Final = 6 << 20
"""Which derived ids operations about referrals take that come before a request, and after it."""


Cart = PlaceOrder | EvaluateOrder | ReserveOrder
"""What a friend may come along with."""


class Prepared(NamedTuple):
    """What a request is decided upon: the facts after the operations ``before``. ``refused`` is why a friend that came along
    with a cart is not registered; ``is_known``: because it is, with that very advocate.
    """

    facts: Facts
    before: tuple[Changes, ...] = ()
    refused: Refusal | None = None
    is_known: bool = False


def is_about_referral(facts: Facts, request: EvaluateOrder) -> bool:
    """Tell whether :func:`prepare` has anything to do for a look."""
    return facts.referral is not None or request.brought is not None


def prepare(
    ruleset: Ruleset,
    facts: Facts,
    request: Asked | EvaluateOrder,
    *,
    call: Call,
    now: datetime,
) -> Prepared:
    """Reward a referral that has been due before anything else is decided, and register a friend before its first order."""
    referral = facts.referral
    prepared = Prepared(facts)
    if referral is not None and not isinstance(request, RewardReferral) and _is_due(facts, referral, now):
        changes = _reward(ruleset, facts, referral, call, ids=_REWARDED, now=now)
        if changes is not None:
            prepared = Prepared(apply(facts, changes), (changes,))
    if isinstance(request, PlaceOrder | EvaluateOrder | ReserveOrder) and request.brought is not None:
        return _register(ruleset, prepared, request, call=call, now=now)
    return prepared


def follow(ruleset: Ruleset, prepared: Prepared, decision: Decision, now: datetime) -> Decision:
    """Return an accepted request with what it does to the friend's referral, and to both sides' rewards."""
    facts = prepared.facts
    if not isinstance(decision, Accepted) or (facts.referral is None and prepared.refused is None):
        return decision
    if prepared.refused is not None:
        answer = {**decision.changes.answer, "referral": _refused(prepared.refused)}
        decision = replace(decision, changes=replace(decision.changes, answer=answer))
    if facts.referral is None:
        return decision
    state = facts.referral.state
    parts: list[Changes] = []
    for part in decision.parts:
        followed = _follow_part(ruleset, facts, part, state)
        parts.append(followed)
        facts = apply(facts, followed)
    place = len(decision.before)
    before, main, after = parts[:place], parts[place], parts[place + 1 :]
    concluded = _conclude(ruleset, facts, main.operation, now)
    if concluded is not None:
        after.append(concluded)
        facts = apply(facts, concluded)
    if prepared.is_known or any(part.referral for part in (*prepared.before, *before, main, *after)):
        main = _tell(main, facts, prepared.refused)
    return Accepted(main, tuple(before), tuple(after))


def _register(ruleset: Ruleset, prepared: Prepared, request: Cart, *, call: Call, now: datetime) -> Prepared:
    """Register the friend whose cart it is. Whoever would enrol with it does so a moment before, as a friend."""
    facts, came, named = prepared.facts, request.brought, request.member
    assert came is not None
    if named is None and facts.member is None:
        return Prepared(facts, refused=Refusal(RefusalCode.MEMBER_REQUIRED, "/member"))
    known = facts.referral
    if known is not None and _is_same(known, came):
        return prepared._replace(is_known=True)
    if known is not None and _is_other_code(facts, known, came):
        details = {"referral_id": show_id("rfl", known.id)}
        return prepared._replace(refused=Refusal(RefusalCode.REFERRAL_EXISTS, "/member", details))
    enrols_as: tuple[Identity, ...] = ()
    friend = facts.member
    if friend is None and isinstance(named, str) and ruleset.unknown_card == "enrol":
        friend, enrols_as = new_member(call.operation_id, now), (named,)
    call = _own(replace(call, operation_id=nth(call.operation_id, _REGISTERED)))
    try:
        member = named if friend is None else friend.id
        assert member is not None
        asked = RegisterReferral(call, member, came.code, came.programme, came.fingerprints)
        came_at = request.order.placed_at
        changes = decide_registration(ruleset, replace(facts, member=friend), asked, now, came_at=came_at).changes
    except RefusalError as error:
        return prepared._replace(refused=error.refusal)
    changes = replace(changes, identities_added=enrols_as)
    return Prepared(apply(facts, changes), (*prepared.before, changes))


def foresee_referral(prepared: Prepared, now: datetime) -> dict[str, Any] | None:
    """Return what a look tells of a friend that came along with its cart."""
    if prepared.refused is not None:
        return _refused(prepared.refused)
    is_new = any(changes.operation.kind == "referral" for changes in prepared.before)
    referral = prepared.facts.referral
    if referral is None or not (is_new or prepared.is_known):
        return None
    # What the order itself speaks for is not known before it is placed; a new friend came with it, however late.
    state, reasons = (referral.state, referral.reasons) if is_new else state_at(referral, now)
    return {"state": state, "reasons": [reason.as_json() for reason in tell_friend(reasons)]}


def _is_same(referral: Referral, came: Bringing) -> bool:
    return is_code_of(came.code, referral.advocate_id) and came.programme in {None, referral.programme}


def _is_other_code(facts: Facts, known: Referral, came: Bringing) -> bool:
    """Tell whether a code is not that of the advocate, where this was read in place of whose it is, to reward both."""
    reads_advocate = facts.other is not None and facts.other.id == known.advocate_id
    return reads_advocate and not is_code_of(came.code, known.advocate_id)


def _follow_part(ruleset: Ruleset, facts: Facts, part: Changes, state: State) -> Changes:
    """Return a part with what it does to the referral, which was in that state when all parts were decided."""
    referral = facts.referral
    if referral is None or part.referral is not None or part.operation.member_id != referral.friend_id:
        return part
    terms = ruleset.referrals.get(referral.programme)
    moved = _moved(terms, facts, part, referral)
    part = part if moved == referral else replace(part, referral=moved)
    if part.member is None or moved.state == state:
        return part
    after = part.member.after
    return replace(part, member=replace(part.member, after=replace(after, counters=brought(after, moved))))


def _moved(terms: ReferralTerms | None, facts: Facts, part: Changes, referral: Referral) -> Referral:
    """Return the referral after a part of a decision about the friend."""
    if part.operation.reverses is not None:
        return disprove(referral, part.operation.reverses)
    if part.activity is not None:
        if terms is None or terms.activity != part.activity.kind:
            return referral
        return _prove(terms, referral, part.activity.id, part.operation.effective_at)
    bought = _find_bought(facts, part)
    if bought is None:
        return referral
    order_id, placed_at, spend = bought
    referral = doubt(referral, placed_at)
    if terms is None or terms.activity is not None or spend is None or spend < terms.at_least:
        return disprove(referral, order_id)
    return _prove(terms, referral, order_id, placed_at)


def _prove(terms: ReferralTerms, referral: Referral, proof_id: UUID, at: datetime) -> Referral:
    return prove(referral, Proof(proof_id, at, terms.settles_at(at)))


def _find_bought(facts: Facts, part: Changes) -> tuple[UUID, datetime, int | None] | None:
    """Return the order that a part is about, when it was placed, and what it counts for now; None: it is gone."""
    if part.order is not None:
        order, payment = part.order.order, part.order.payment
        return part.order.id, order.placed_at, max(order.goods_total - (payment.amount if payment else 0), 0)
    change = part.order_change
    if part.claimed_order_id is not None and facts.order is not None and facts.order.order is not None:
        order = facts.order.order
        return part.claimed_order_id, order.placed_at, order.goods_total if change is None else change.spend
    if change is None:
        return None
    known = next((known for known in facts.returned.values() if known.id == change.order_id), None)
    if known is None or known.order is None:
        return None
    return change.order_id, known.order.placed_at, None if change.state.is_gone else change.spend


def _conclude(ruleset: Ruleset, facts: Facts, main: Operation, now: datetime) -> Changes | None:
    """Return the operation that rewards a referral which is due by now, or takes back what one gave that counts no more."""
    referral = facts.referral
    if referral is None or facts.member is None or facts.member.id != referral.friend_id:
        return None
    if referral.counts and referral.counts_for is None:
        occasion = Occasion(nth(main.call.operation_id, _CONCLUDED), _own(main.call), min(main.effective_at, now), now)
        return take_rewards_back(ruleset, facts, occasion)
    if _is_due(facts, referral, now):
        return _reward(ruleset, facts, referral, main.call, ids=_CONCLUDED, now=now)
    return None


def _reward(
    ruleset: Ruleset, facts: Facts, referral: Referral, call: Call, *, ids: int, now: datetime
) -> Changes | None:
    """Return what becomes of a referral that is due; None: it cannot be booked, and no other request fails by that."""
    assert referral.settles_at is not None
    occasion = Occasion(nth(call.operation_id, ids), _own(call), referral.settles_at, now)
    try:
        return reward(ruleset, facts, occasion)
    except RefusalError:
        return None


def _tell(main: Changes, facts: Facts, refused: Refusal | None) -> Changes:
    """Return the request's own operation with what became of the referral in its answer, unless that tells why another one
    is ``refused``, and the balances after all.
    """
    assert facts.referral is not None
    if main.operation.kind in ("referral_review", "referral_reward"):
        return replace(main, answer={**main.answer, **show_referral(facts.referral, main.operation)})
    shown = {} if refused is not None else {"referral": show_for_friend(facts.referral, main.operation)}
    answer = {**main.answer, **shown}
    if "balances" in main.answer:
        answer["balances"] = show_balances(facts.member)
    return replace(main, answer=answer)


def _refused(refusal: Refusal) -> dict[str, Any]:
    """Show why whoever came along with a cart is no friend. The cart stands."""
    return {"state": None, "refused": refusal.code.value, "details": dict(refusal.details)}


def _is_due(facts: Facts, referral: Referral, now: datetime) -> bool:
    """Tell whether a referral is to be rewarded, and both its members are there to be."""
    if facts.member is None or facts.member.id != referral.friend_id or not referral.is_due(now):
        return False
    is_one = referral.friend_id == referral.advocate_id
    return is_one or (facts.other is not None and facts.other.id == referral.advocate_id)


def _own(call: Call) -> Call:
    """Return the call of an operation that comes along with another one, to which the key belongs."""
    return replace(call, key=None)
