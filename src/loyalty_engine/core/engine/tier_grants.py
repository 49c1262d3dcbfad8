"""Grants: somebody puts a member into a tier by hand, for a while or for good, upwards or downwards, and may end that."""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from loyalty_engine.core.engine.accounts import guard, require_member, soonest
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState, OperationKind
from loyalty_engine.core.engine.requests import EndGrant, GrantTier
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.kernel.instants import Period, show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.memberships.membership import running
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import Standing, TierMove, next_end

_LONGEST: Final = Period(100, "years")
"""To what comes after a grant the calendar must still have a date."""


def decide_grant(ruleset: Ruleset, facts: Facts, request: GrantTier, now: datetime) -> Decision:
    """Put the member where the request says. When that ends, it goes where it would be without; another grant replaces it."""
    member, ladder = require_member(facts, ""), _require_ladder(ruleset, request)
    return _move(ruleset, member, request, standing=_granted(ladder, member, request, now), now=now)


def decide_grant_end(ruleset: Ruleset, facts: Facts, request: EndGrant, now: datetime) -> Decision:
    """Let the member go where it would be now without the grant, as when a grant ends on its day: its plans lead it again."""
    member, ladder = require_member(facts, ""), _require_ladder(ruleset, request)
    standing = ladder.read(member.tiers.get(ladder.key))
    without = None if standing is None else _without_grant(ladder, member, standing, now)
    if without is None:
        refuse(RefusalCode.TIER_NOT_GRANTED, "", set=ladder.key)
    runs = running(member.plans, now)
    led = ladder.follow(without, runs, member, at=now, level=lambda: ladder.level(member, now), as_of=now)
    return _move(ruleset, member, request, standing=led or without, now=now)


def _require_ladder(ruleset: Ruleset, request: GrantTier | EndGrant) -> Ladder:
    ladder = ruleset.ladders.get(request.tier_set)
    if ladder is None:
        refuse(RefusalCode.TIER_SET_NOT_FOUND, "", set=request.tier_set, known=sorted(ruleset.ladders))
    return ladder


def _move(
    ruleset: Ruleset, member: MemberState, request: GrantTier | EndGrant, *, standing: Standing, now: datetime
) -> Decision:
    ladder = ruleset.ladders[request.tier_set]
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
    operation = Operation.asked(_kind_of(request), request.call, now, ruleset.revision, member_id=member.id)
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


def _kind_of(request: GrantTier | EndGrant) -> OperationKind:
    match request:
        case GrantTier():
            return "tier_grant"
        case EndGrant():
            return "tier_grant_end"
        case _:
            assert_never(request)


def _without_grant(ladder: Ladder, member: MemberState, standing: Standing, now: datetime) -> Standing | None:
    """Return a standing without what was given by hand, be it now or before it rose above that; None: nothing was."""
    if standing.how != "granted":
        before = _without_last(ladder, standing.before, now)
        return None if before == standing.before else replace(standing, before=before)
    level = ladder.level(member, now)
    return ladder.resume(standing, level, ladder.then(member), now, enrolled_at=member.enrolled_at, as_of=now)


def _without_last(ladder: Ladder, standing: Standing | None, now: datetime) -> Standing | None:
    """Return a standing, and those before it, without the last that was given by hand and lasts still."""
    if standing is None or (standing.how == "granted" and not ladder.has_ended(standing, now)):
        return None if standing is None else standing.before
    return replace(standing, before=_without_last(ladder, standing.before, now))


def _granted(ladder: Ladder, member: MemberState, request: GrantTier, now: datetime) -> Standing:
    if request.tier is not None and request.tier not in ladder.ranks:
        known = [tier.key for tier in ladder.tiers]
        refuse(RefusalCode.TIER_NOT_FOUND, "/tier", tier=request.tier, known=known)
    if request.until is not None and request.until <= now:
        refuse(RefusalCode.GRANT_ENDS_IN_PAST, "/until", until=show_instant(request.until), now=show_instant(now))
    latest = _LONGEST.after(now, ladder.window.zone)
    if request.until is not None and request.until > latest:
        refuse(RefusalCode.GRANT_TOO_LONG, "/until", until=show_instant(request.until), latest=show_instant(latest))
    standing = ladder.read(member.tiers.get(ladder.key))
    if standing is not None and standing.how == "granted":
        standing = standing.before
    rank = 0 if request.tier is None else ladder.ranks[request.tier]
    return Standing(rank, now, request.until, "granted", standing)
