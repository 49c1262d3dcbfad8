"""What answers tell of tiers."""

from collections.abc import Iterable, Mapping
from typing import Any

from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import TierMove


def show_moves(ladders: Mapping[str, Ladder], moves: Iterable[TierMove]) -> list[dict[str, Any]]:
    """Show where a member came from and went, in each set in which that changed; a tier that is only kept longer, too."""
    return [
        {
            "set": move.tier_set,
            "tier": _tier(ladders, move, is_after=True),
            "from": _tier(ladders, move, is_after=False),
            "since": show_instant(move.after.since),
            "until": None if move.after.until is None else show_instant(move.after.until),
        }
        for move in moves
    ]


def _tier(ladders: Mapping[str, Ladder], move: TierMove, *, is_after: bool) -> str | None:
    """Return the key of the tier in which the member is, or was; below all there may be one that asks for nothing."""
    held, ladder = move.after if is_after else move.before, ladders.get(move.tier_set)
    if ladder is None:
        return held.tier if held is not None else None
    rank = ladder.rank_of(held)
    return ladder.tiers[rank - 1].key if rank else None
