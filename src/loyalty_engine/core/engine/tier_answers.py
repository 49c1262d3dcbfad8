"""What answers tell of tiers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.privileges import name_of_plan, name_of_tier
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.memberships.membership import running
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import Standing, TierMove


def show_moves(ladders: Mapping[str, Ladder], moves: Iterable[TierMove]) -> list[dict[str, Any]]:
    """Show where a member came from and went, in each set in which that changed; a tier that is only kept longer, too."""
    return [
        {
            "set": move.tier_set,
            "tier": _tier(ladders, move, is_after=True),
            "from": _tier(ladders, move, is_after=False),
            "since": show_instant(move.after.since),
            "until": _show(move.after.until),
        }
        for move in moves
        if _is_seen(ladders, move)
    ]


def _is_seen(ladders: Mapping[str, Ladder], move: TierMove) -> bool:
    """Tell whether more changes than what only ladders reckon with. Who came up and down again at once was nowhere."""
    if move.before is not None:
        return (move.before.tier, move.before.until) != (move.after.tier, move.after.until)
    return move.after.until is not None or _tier(ladders, move, is_after=True) != _tier(ladders, move, is_after=False)


def _tier(ladders: Mapping[str, Ladder], move: TierMove, *, is_after: bool) -> str | None:
    """Return the key of the tier in which the member is, or was; below all there may be one that asks for nothing."""
    held, ladder = move.after if is_after else move.before, ladders.get(move.tier_set)
    if ladder is None:
        return held.tier if held is not None else None
    return ladder.key_of(ladder.rank_of(held))


def show_tiers(ruleset: Ruleset, member: MemberState, now: datetime) -> list[dict[str, Any]]:
    """Show where a member is, in every set, of whom everything due was settled ``now``.

    ``progress`` is what the next tier needs; ``projected`` the tier after the next review if nothing more is bought.
    """
    at = max(now, member.booked_at)  # a clock that is behind does not undo what was bought
    return [_place(ladder, member, at) for ladder in ruleset.ladders.values()]


def show_entitlements(ruleset: Ruleset, member: MemberState) -> list[dict[str, Any]]:
    """Show what a member is entitled to, of whom everything due was settled: each once, by what gives it for longest."""
    best: dict[str, tuple[datetime | None, str]] = {}
    for ladder in ruleset.ladders.values():
        held = member.tiers.get(ladder.key)
        rank, standing = ladder.rank_of(held), ladder.read(held)
        ends_at = None if standing is None else ladder.ends_at(standing)
        for name in ladder.tiers[rank - 1].privileges.entitlements if rank else ():
            if name not in best or _is_longer(ends_at, best[name][0]):
                best[name] = ends_at, name_of_tier(ladder.key, ladder.tiers[rank - 1].key)
    for plan, held_plan in member.plans.items():
        terms = ruleset.plans.get(plan)
        for name in terms.privileges.entitlements if terms is not None and not held_plan.is_over else ():
            if name not in best or _is_longer(held_plan.ends_at, best[name][0]):
                best[name] = held_plan.ends_at, name_of_plan(plan)
    return [
        {"entitlement": name, "given_by": given_by, "until": _show(ends_at)}
        for name, (ends_at, given_by) in best.items()
    ]


def _is_longer(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one > other)


def _place(ladder: Ladder, member: MemberState, now: datetime) -> dict[str, Any]:
    held = member.tiers.get(ladder.key)
    standing, rank = ladder.read(held), ladder.rank_of(held)
    progress = ladder.progress(standing, ladder.now(member)(now))
    ends_at = None if standing is None else ladder.ends_at(standing)
    return {
        "set": ladder.key,
        "tier": ladder.key_of(rank),
        "how": None if standing is None or not (standing.rank or standing.how == "granted") else standing.how,
        "since": None if standing is None else show_instant(standing.since),
        "until": _show(None if standing is None else standing.until),
        "review_at": _show(ends_at),
        "projected": ladder.key_of(_projected(ladder, standing, member, ends_at) if standing and ends_at else rank),
        "progress": {
            "tier": None if progress.rank is None else ladder.key_of(progress.rank),
            "actual": progress.actual,
            "needed": progress.needed,
            "missing": progress.missing,
        },
        "entitlements": [*ladder.tiers[rank - 1].privileges.entitlements] if rank else [],
    }


def _projected(ladder: Ladder, standing: Standing, member: MemberState, ends_at: datetime) -> int:
    then = ladder.then(member)
    went = ladder.review(standing, then, ends_at, enrolled_at=member.enrolled_at)
    after = ladder.follow(
        went[0] if went else standing,
        running(member.plans, ends_at),
        member,
        at=ends_at,
        level=lambda: ladder.rank_for(then(ends_at)),
        as_of=ladder.window.moment_ending(ends_at),
    )
    return ladder.base if after is None else ladder.rank_of(ladder.keep(after))


def _show(instant: datetime | None) -> str | None:
    return None if instant is None else show_instant(instant)
