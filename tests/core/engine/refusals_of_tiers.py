"""Refusals of tiers given by hand."""

from datetime import timedelta
from typing import Any, Final

from loyalty_engine.core.engine.requests import EndGrant, GrantTier
from tests.core.engine.refused import BLOCKED, NOBODY, SOMEBODY, Case
from tests.core.engine_cases import MEMBER, NOW, call

LADDER: Final[dict[str, Any]] = {
    "tier_sets": [
        {
            "key": "status",
            "metric": {"kind": "spend"},
            "window": {"kind": "lifetime"},
            "tiers": [{"key": "silver", "at_least": 100}, {"key": "gold", "at_least": 200}],
        }
    ]
}


def grant(tier_set: str = "status", tier: str = "gold", until: Any = None) -> GrantTier:  # noqa: ANN401 - an instant
    return GrantTier(call(), MEMBER, tier_set, tier, until, "goodwill")


TIER_CASES: Final = [
    Case("member_not_found", grant(), NOBODY, parts=LADDER),
    Case("member_blocked", grant(), BLOCKED, parts=LADDER),
    Case("tier_set_not_found", grant("stars"), SOMEBODY, "", {"set": "stars", "known": ["status"]}, parts=LADDER),
    Case(
        "grant_too_long",
        grant(until=NOW.replace(year=2126, second=1)),
        SOMEBODY,
        "/until",
        {"until": "2126-06-01T12:00:01Z", "latest": "2126-06-01T12:00:00Z"},
        parts=LADDER,
    ),
    Case("tier_not_granted", EndGrant(call(), MEMBER, "status", "mistake"), details={"set": "status"}, parts=LADDER),
    Case(
        "tier_not_found",
        grant(tier="pink"),
        SOMEBODY,
        "/tier",
        {"tier": "pink", "known": ["silver", "gold"]},
        parts=LADDER,
    ),
    Case(
        "grant_ends_in_past",
        grant(until=NOW),
        SOMEBODY,
        "/until",
        {"until": "2026-06-01T12:00:00Z", "now": "2026-06-01T12:00:00Z"},
        parts=LADDER,
    ),
    Case(
        "grant_ends_in_past",
        grant(until=NOW - timedelta(days=1)),
        SOMEBODY,
        "/until",
        {"until": "2026-05-31T12:00:00Z", "now": "2026-06-01T12:00:00Z"},
        parts=LADDER,
    ),
]
