"""What requests want gather to read of referrals: who brought their member, and where it matters the advocate, too.

Orders of most members are about no referral, so these cost one look-up. Only what a first gather shows tells whether the
advocate is needed: when a referral is to be rewarded, or may count no more. Then gather is asked again, about both.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import or_

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.referral_following import Cart
from loyalty_engine.core.engine.referral_requests import (
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.engine.requests import (
    ClaimOrder,
    ConfirmReservation,
    EditOrder,
    EnrolMember,
    EvaluateOrder,
    MergeMembers,
    PlaceOrder,
    RecordActivity,
    ReserveOrder,
    Transfer,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.persistence.asks import Ask, ReferralWish, Subject
from loyalty_engine.persistence.ledger import Gather, Gathered
from loyalty_engine.persistence.referrals import show_tail


def with_referral(ask: Ask, request: Asked | EvaluateOrder, ruleset: Ruleset) -> Ask:
    """Return the ask with what is to be read of who brought its member.

    A program without referral programmes reads nothing, except with what can take back what one of before gave.
    """
    match request:
        case (
            RegisterReferral()
            | PlaceOrder(brought=Bringing())
            | EvaluateOrder(brought=Bringing())
            | ReserveOrder(brought=Bringing())
        ):
            return _ask_to_register(ask, request, ruleset)
        case ReviewReferral(referral_id=known) | RewardReferral(referral_id=known):
            about = replace(ask.about(Subject(referral_id=known)), wants_lots=True)
            return replace(
                about,
                referral=ReferralWish(known, wants_ties=True),
                pools=_pools(ruleset),
                other=_ask_for_other(ask, Subject(referral_id=known, is_other=True)),
            )
        case Transfer() | MergeMembers() | EnrolMember() | SeeFingerprints():
            return ask
        case PlaceOrder() | ConfirmReservation() | ClaimOrder() | EditOrder() | RecordActivity() if ruleset.referrals:
            return replace(ask, referral=ReferralWish(may_prove=True, proves_at=_proves_at(request)))
        case _:
            return replace(ask, referral=ReferralWish()) if ruleset.referrals or _takes_back(ask) else ask


async def gather_all(
    gather: Gather, program_id: int, asks: Sequence[Ask], *, ruleset: Ruleset, now: datetime
) -> tuple[Sequence[Ask], list[Gathered]]:
    """Return what gather read, with the asks that read it: again, where it turned out that an advocate is needed."""
    asks = _share_pools(asks)
    gathered = await gather(program_id, asks)
    full = with_advocates(asks, gathered, ruleset, now)
    return full, gathered if full is asks else await gather(program_id, full)


def with_advocates(asks: Sequence[Ask], gathered: Sequence[Gathered], ruleset: Ruleset, now: datetime) -> Sequence[Ask]:
    """Return the asks of one turn with those advocates that what was gathered makes necessary; the same if none is."""
    if all(facts.referral is None for _, facts in gathered):
        return asks
    full = [_with_advocate(ask, facts, ruleset, now) for ask, (_, facts) in zip(asks, gathered, strict=True)]
    if all(ask is before for ask, before in zip(full, asks, strict=True)):
        return asks
    return [replace(ask, wants_lots=True) for ask in full]


def _ask_to_register(ask: Ask, request: RegisterReferral | Cart, ruleset: Ruleset) -> Ask:
    came = request if isinstance(request, RegisterReferral) else request.brought
    assert came is not None
    tail = show_tail(came.code)
    wish = ReferralWish(wants_ties=True, tail=tail, fingerprints=came.fingerprints)
    if isinstance(request, PlaceOrder):
        # The very order may count, and so may the next of its batch.
        wish = replace(wish, may_prove=True, proves_at=request.order.placed_at)
        ask = replace(ask, pools=(*ask.pools, *_pools(ruleset)))
    if tail is None:
        return replace(ask, referral=wish)
    reads_profile = any(terms.reads_profile for terms in ruleset.referrals.values())
    other = replace(_ask_for_other(ask, Subject(tail=tail)), wants_profile=reads_profile)
    return replace(ask, referral=wish, other=other)


def _with_advocate(ask: Ask, facts: Facts, ruleset: Ruleset, now: datetime) -> Ask:
    referral = facts.referral
    if referral is None or facts.member is None or ask.referral is None:
        return ask
    if ask.referral.referral_id is not None:
        return _at_its_time(ask, referral)
    if referral.friend_id == referral.advocate_id or (ask.other and ask.other.member_id == referral.advocate_id):
        return ask
    terms = ruleset.referrals.get(referral.programme)
    is_due = referral.is_due(max(now, facts.member.booked_at))
    if not is_due and not referral.counts and terms is not None:
        is_due = any(terms.settles_at(at) <= now for at in _may_prove(ask.referral, facts))
    if not is_due and not _may_come_back(ask, facts, referral):
        return ask
    full = replace(
        ask,
        referral=replace(ask.referral, wants_ties=True),
        pools=(*ask.pools, *(() if terms is None else terms.pools)),
        other=replace(
            _ask_for_other(ask, None),
            member_id=referral.advocate_id,
            lookback=ruleset.lookback,
            wants_plans=bool(ruleset.plans),
        ),
    )
    return _at_its_time(full, referral)


def _proves_at(request: Asked) -> datetime | None:
    """Return when what a request brings happened, where that is known before its order is read."""
    match request:
        case PlaceOrder():
            return request.order.placed_at
        case RecordActivity():
            return request.occurred_at
        case _:
            return None


def _may_prove(wish: ReferralWish, facts: Facts) -> Sequence[datetime]:
    """Return when that happened which a request brings: it counts at once if it is of long ago, or nothing has to settle."""
    if not wish.may_prove or _is_other_code(wish, facts):
        return ()
    if wish.proves_at is not None:
        return (wish.proves_at,)
    orders = [known.order for known in (facts.order, *facts.returned.values()) if known is not None]
    if facts.reservation is not None:
        orders.append(facts.reservation.reservation.order)
    return [order.placed_at for order in orders if order is not None]


def _is_other_code(wish: ReferralWish, facts: Facts) -> bool:
    """Tell whether a friend brought another code along: whose it is has to be known then, rather than its advocate."""
    owner, referral = facts.other, facts.referral
    return wish.tail is not None and (owner is None or referral is None or owner.id != referral.advocate_id)


def _at_its_time(ask: Ask, referral: Referral) -> Ask:
    """Return the ask with what tier sets look at when rewards were earned, or are, on both sides."""
    if ask.lookback is None or not referral.proofs:
        return ask
    earned_at = min(proof.settles_at for proof in referral.proofs)
    seen = [one.lookback for one in (ask, ask.other) if one is not None and one.lookback is not None]
    lookback, *others = [replace(one, earned_at=min(one.earned_at or earned_at, earned_at)) for one in seen]
    if lookback == ask.lookback:
        return ask
    other = ask.other if ask.other is None or not others else replace(ask.other, lookback=others[0])
    return replace(ask, lookback=lookback, other=other)


def _may_come_back(ask: Ask, facts: Facts, referral: Referral) -> bool:
    """Tell whether what a referral counts for may come back with the request."""
    return referral.counts and (_takes_back(ask) or bool(facts.waiting))


def _takes_back(ask: Ask) -> bool:
    """Tell whether a request is about orders that may be less afterwards, or about an operation that is reversed."""
    return ask.subject is not None and bool(ask.subject.returned or ask.subject.operation_id)


def _share_pools(asks: Sequence[Ask]) -> Sequence[Ask]:
    """Let each give codes out of the pools of all, if one brings a friend: what comes behind it may be what counts."""
    if len(asks) == 1 or not any(ask.referral is not None and ask.referral.tail for ask in asks):
        return asks
    pools = reduce(or_, (Counter(ask.pools) for ask in asks))
    return [replace(ask, pools=tuple(sorted(pools.elements()))) for ask in asks]


def _pools(ruleset: Ruleset) -> tuple[str, ...]:
    """Return the pools out of which friends and advocates may be given codes."""
    return tuple(pool for key in sorted(ruleset.referrals) for pool in ruleset.referrals[key].pools)


def _ask_for_other(ask: Ask, subject: Subject | None) -> Ask:
    """Return an ask about the second member, which did not ask itself and brings nothing."""
    return Ask(ask.client_id, ask.scope, None, now=ask.now, wants_lots=True, subject=subject)
