"""Grants: somebody puts a member into a tier by hand, for a while or for good, upwards or downwards."""

from dataclasses import replace
from datetime import datetime

from loyalty_engine.core.engine.accounts import guard, require_member, soonest
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.requests import GrantTier
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import Standing, TierMove, next_end


def decide_grant(ruleset: Ruleset, facts: Facts, request: GrantTier, now: datetime) -> Decision:
    """Put the member where the request says. When that ends, it goes where it would be without; another grant replaces it."""
    member = require_member(facts, "")
    ladder = ruleset.ladders.get(request.tier_set)
    if ladder is None:
        refuse(RefusalCode.TIER_SET_NOT_FOUND, "/set", set=request.tier_set, known=sorted(ruleset.ladders))
    standing = _granted(ladder, member, request, now)
    held = member.tiers.get(ladder.key)
    move = TierMove(member.id, ladder.key, held, ladder.keep(standing))
    tiers = {**member.tiers, ladder.key: move.after}
    after = replace(
        member,
        version=member.version + 1,
        booked_at=now,
        tiers=tiers,
        due_at=soonest(member.due_at, next_end(tiers)),
    )
    operation = Operation(
        id=request.call.operation_id,
        kind="tier_grant",
        call=request.call,
        effective_at=now,
        booked_at=now,
        revision=ruleset.revision,
        member_id=member.id,
    )
    return Accepted(
        Changes(
            operation=operation,
            answer={
                **head(operation),
                "reason": request.reason,
                "tiers": show_moves(ruleset.ladders, [move]),
            },
            facts=show_facts(member),
            member=guard(member, after),
            tiers=(move,),
        )
    )


def _granted(ladder: Ladder, member: MemberState, request: GrantTier, now: datetime) -> Standing:
    if request.tier is not None and request.tier not in ladder.ranks:
        known = [tier.key for tier in ladder.tiers]
        refuse(RefusalCode.TIER_NOT_FOUND, "/tier", tier=request.tier, known=known)
    if request.until is not None and request.until <= now:
        refuse(RefusalCode.GRANT_ENDS_IN_PAST, "/until", until=show_instant(request.until), now=show_instant(now))
    standing = ladder.read(member.tiers.get(ladder.key))
    if standing is not None and standing.how == "granted":
        standing = standing.before
    rank = 0 if request.tier is None else ladder.ranks[request.tier]
    return Standing(rank, now, request.until, "granted", standing)
