"""Reviews: a tier ran out, and its member goes where it belongs by then. Whoever touches the member first books that."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.accounts import due_next, guard
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Changes, Operation
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.memberships.membership import running
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import MemberTier, TierMove, next_end

_Reviewed = tuple[MemberTier, datetime]
"""Where a member is after a review, and when the last of what led there happened."""


def is_reviewable(member: MemberState, now: datetime) -> bool:
    """Tell whether a tier of the member ran out, and its time of grace."""
    ends_at = next_end(member.tiers) if member.tiers else None
    return ends_at is not None and ends_at <= now


def review_tiers(
    ruleset: Ruleset, member: MemberState, call: Call, *, operation_id: UUID, now: datetime
) -> Changes | None:
    """Return where the member went as its tiers ran out, as an operation of its own; None when none did.

    However late that is, it goes by what counted when each of them did. ``call`` is that of the request on whose occasion
    it is booked; its key belongs to that request.
    """
    reviewed = {
        key: _review(ruleset.ladders.get(key), held, member, now)
        for key, held in member.tiers.items()
        if held.ends_at is not None and held.ends_at <= now
    }
    return _move(ruleset, member, call, reviewed, operation_id=operation_id, now=now)


def adopt_ladders(
    ruleset: Ruleset, member: MemberState, call: Call, *, operation_id: UUID, now: datetime
) -> Changes | None:
    """Return where ladders that were published lead a member of whom everything due was settled; None: nowhere else.

    Up at once; nobody falls before its tier runs out, unless that is not there any more. What is not recorded is a preview.
    """
    adopted: dict[str, _Reviewed] = {}
    for key in {**ruleset.ladders, **member.tiers}:
        held = member.tiers.get(key)
        after = _adopt(ruleset.ladders.get(key), held, member, now)
        if after is not None and after != held:
            adopted[key] = after, now
    return _move(ruleset, member, call, adopted, operation_id=operation_id, now=now)


def _adopt(ladder: Ladder | None, held: MemberTier | None, member: MemberState, now: datetime) -> MemberTier | None:
    if ladder is None:
        return held if held is None or held.tier is None else MemberTier(None, now)
    standing, level = ladder.read(held), ladder.level(member, now)
    if level > ladder.rank_of(held):
        standing = ladder.rise(standing, level, now, enrolled_at=member.enrolled_at) or standing
    standing = ladder.follow(standing, running(member.plans, now), member, at=now, level=lambda: level, as_of=now)
    after = None if standing is None else ladder.keep(standing)
    return held if after is None or (held is not None and _is_alike(held, after)) else after


def _is_alike(held: MemberTier, after: MemberTier) -> bool:
    """Tell whether all that differs is which tiers there are below."""
    if held.before is None or after.before is None:
        return replace(held, below=after.below) == after
    before = replace(held.before, below=after.before.below, before=after.before.before)
    return replace(held, below=after.below, before=before) == after and _is_alike(held.before, after.before)


def _move(
    ruleset: Ruleset,
    member: MemberState,
    call: Call,
    reviewed: Mapping[str, _Reviewed],
    *,
    operation_id: UUID,
    now: datetime,
) -> Changes | None:
    """Return the operation that moves the member; None when nobody has to."""
    if not reviewed:
        return None
    tiers = {**member.tiers, **{key: after for key, (after, _) in reviewed.items()}}
    moves = tuple(TierMove(member.id, key, member.tiers.get(key), after) for key, (after, _) in reviewed.items())
    after = replace(member, version=member.version + 1, booked_at=now, tiers=tiers)
    after = replace(after, due_at=due_next(after, operation_id, now))
    operation = Operation(
        id=operation_id,
        kind="tier_review",
        call=replace(call, key=None),
        member_id=member.id,
        effective_at=max(at for _, at in reviewed.values()),
        booked_at=now,
        revision=ruleset.revision,
    )
    return Changes(
        operation=operation,
        answer={**head(operation), "tiers": show_moves(ruleset.ladders, moves)},
        facts=show_facts(member),
        member=guard(member, after),
        tiers=moves,
    )


def _review(ladder: Ladder | None, held: MemberTier, member: MemberState, now: datetime) -> _Reviewed:
    """Return where a tier that ran out leads, and when the last of what led there did. One of a set that is gone is over."""
    assert held.ends_at is not None
    if ladder is None:
        return MemberTier(None, held.ends_at), held.ends_at
    standing = ladder.read(held)
    assert standing is not None
    went = [standing, *ladder.review(standing, ladder.then(member), now, enrolled_at=member.enrolled_at)]
    ended = (ladder.ends_at(went[-2]) if len(went) > 1 else held.ends_at) or held.ends_at
    stays = ladder.follow(
        went[-1],
        running(member.plans, now),
        member,
        at=ended,
        level=lambda: ladder.rank_for(ladder.then(member)(ended)),
        as_of=ladder.window.moment_ending(ended),
    )
    return ladder.keep(stays or went[-1]), ended
