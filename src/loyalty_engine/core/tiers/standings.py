"""Where members stand: as a ladder reckons with it, and as it is kept whatever becomes of the ladder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

How = Literal["earned", "condition", "granted", "plan"]
"""How a member came to its tier: by the metric, by the tier's condition, by hand, or because it is in a plan."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member is, and ``how`` it came there: in the tier of ``rank``, ``until`` then at least, None: for good.

    Ranks count from 1, the lowest tier; 0 is below all of them. ``before`` is where it was until then, and falls back
    to when what led here is undone. ``reached_at`` is a moment as of whose window the tier is reached, None: since it
    is in it.
    """

    rank: int
    since: datetime
    until: datetime | None = None
    how: How = "earned"
    before: "Standing | None" = None
    reached_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberTier:
    """A standing as it is kept: its ``tier`` by key, None: below all, and those that were ``below`` it, lowest first.

    Before ``ends_at`` nobody has to look at it; None: time does not end it.
    """

    tier: str | None
    since: datetime
    until: datetime | None = None
    ends_at: datetime | None = None
    how: How = "earned"
    below: tuple[str, ...] = ()
    before: "MemberTier | None" = None
    reached_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TierMove:
    """A member's place in a tier set changes: it came from ``before``, None: it was never in a tier of it."""

    member_id: UUID
    tier_set: str
    before: MemberTier | None
    after: MemberTier


MemberTiers = Mapping[str, MemberTier]
"""Where a member is, by the keys of tier sets; a set in which it never was is missing."""


def next_end(tiers: MemberTiers) -> datetime | None:
    """Return when the first of the tiers has to be looked at; None: time ends none of them."""
    return min((held.ends_at for held in tiers.values() if held.ends_at is not None), default=None)
