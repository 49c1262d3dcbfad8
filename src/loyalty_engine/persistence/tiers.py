"""Where members are in tier sets, as rows and back again."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.tiers.metrics import Moved
from loyalty_engine.core.tiers.standings import MemberTier, TierMove

Raw = Mapping[str, Any]


def read_tiers(text: str) -> dict[str, MemberTier]:
    """Turn what ``read_tiers_v7`` returned into where a member is, by tier set."""
    return {raw["set"]: _read_tier(raw) for raw in orjson.loads(text)}


def read_earned(text: str) -> dict[str, Moved]:
    """Turn what ``read_earned_v8`` returned into what a member earned, by wallet."""
    found = orjson.loads(text).items()
    return {wallet: tuple((datetime.fromisoformat(at), points) for at, points in moved) for wallet, moved in found}


def show_moves(part: Changes) -> Iterator[tuple[UUID, str, str]]:
    """Yield the moves of an operation: the member, the tier set, and the rest as JSON."""
    versions = {guard.after.id: guard.after.version for guard in (part.member, part.other) if guard is not None}
    for move in part.tiers:
        yield move.member_id, move.tier_set, _show_move(move, versions[move.member_id])


def _show_move(move: TierMove, version: int) -> str:
    return orjson.dumps({"version": version, **_show_tier(move.after)}).decode()


def _show_tier(held: MemberTier) -> dict[str, Any]:
    return {
        "tier": held.tier,
        "since": held.since,
        "until": held.until,
        "ends_at": held.ends_at,
        "how": held.how,
        "below": held.below,
        "before": None if held.before is None else _show_tier(held.before),
        "reached_at": held.reached_at,
    }


def _read_tier(raw: Raw) -> MemberTier:
    return MemberTier(
        tier=raw["tier"],
        since=datetime.fromisoformat(raw["since"]),
        until=_read_moment(raw["until"]),
        ends_at=_read_moment(raw["ends_at"]),
        how=raw["how"],
        below=tuple(raw["below"]),
        before=None if raw["before"] is None else _read_tier(raw["before"]),
        reached_at=_read_moment(raw["reached_at"]),
    )


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
