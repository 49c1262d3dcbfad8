"""Tiers: where members are in tier sets, what that entitles them to, and tiers that are given by hand."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer, Body, Code, InstantField, OperationHead, ReasonCode
from loyalty_engine.api.schemas.tier_moves import TierMoveAnswer
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_entitlements, show_tiers
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant

_MEMBER = "mem_01m8054496erxvcc6weqy7k3j5"


class ProgressAnswer(Answer):
    """What the next tier needs."""

    tier: str | None = Field(description="The next tier that the metric leads to; null: none.", examples=["gold"])
    actual: int = Field(
        description="How much there is in the window of today: minor units, orders, points, whole units or activities.",
        examples=[31_500],
    )
    needed: int | None = Field(description="How much that tier asks for.", examples=[50_000])
    missing: int | None = Field(description="How much is missing.", examples=[18_500])


class TierPlaceAnswer(Answer):
    """Where a member is in a tier set."""

    set: str = Field(description="Key of the set.", examples=["status"])
    tier: str | None = Field(description="Key of the tier; null: below all.", examples=["silver"])
    how: Literal["earned", "condition", "granted", "plan"] | None = Field(
        description="How it came there: by the metric, by the tier's condition, by hand, or by a plan; null: it is in none of the "
        "tiers that members have to come to. Who was put below all of them by hand is granted that, and does not rise.",
        examples=["earned"],
    )
    since: str | None = Field(description="Since when; null: ever.", examples=["2026-03-01T09:30:00Z"])
    until: str | None = Field(
        description="Until when it has the tier at least; null: for good.", examples=["2027-12-31T23:00:00Z"]
    )
    review_at: str | None = Field(
        description="When it goes where it belongs by then: the tier ran out, and its time of grace. Null: never.",
        examples=["2027-12-31T23:00:00Z"],
    )
    projected: str | None = Field(
        description="The tier after that if nothing more is bought; null: below all.", examples=["silver"]
    )
    progress: ProgressAnswer = Field(
        description="What the next tier needs.",
        examples=[{"tier": "gold", "actual": 31_500, "needed": 50_000, "missing": 18_500}],
    )
    entitlements: list[str] = Field(description="What the tier entitles to.", examples=[["free_delivery"]])


class MemberTiersAnswer(Answer):
    """Where a member is, in every tier set."""

    member_id: str = Field(description="The member.", examples=[_MEMBER])
    at: str = Field(description="As of when, by the program's clock.", examples=["2026-11-22T10:15:00Z"])
    tiers: list[TierPlaceAnswer] = Field(
        description="By tier set, in the order of the document.",
        examples=[
            [
                {
                    "set": "status",
                    "tier": "silver",
                    "how": "earned",
                    "since": "2026-03-01T09:30:00Z",
                    "until": "2027-12-31T23:00:00Z",
                    "review_at": "2027-12-31T23:00:00Z",
                    "projected": "silver",
                    "progress": {"tier": "gold", "actual": 31_500, "needed": 50_000, "missing": 18_500},
                    "entitlements": ["free_delivery"],
                }
            ]
        ],
    )

    @classmethod
    def of(cls, ruleset: Ruleset, member: MemberState, now: datetime) -> Self:
        """Show where a member is of whom everything due was settled ``now``."""
        tiers = [TierPlaceAnswer.model_validate(place) for place in show_tiers(ruleset, member, now)]
        return cls(member_id=show_id("mem", member.id), at=show_instant(now), tiers=tiers)


class EntitlementAnswer(Answer):
    """One thing that the shop does for a member."""

    entitlement: str = Field(description="Its name in the program.", examples=["free_delivery"])
    given_by: str = Field(description="What gives it, for the longest time.", examples=["tier/status/gold"])
    until: str | None = Field(
        description="Until when it is given at least; null: for good.", examples=["2027-12-31T23:00:00Z"]
    )


class EntitlementsAnswer(Answer):
    """What a member is entitled to now."""

    member_id: str = Field(description="The member.", examples=[_MEMBER])
    at: str = Field(description="As of when, by the program's clock.", examples=["2026-11-22T10:15:00Z"])
    entitlements: list[EntitlementAnswer] = Field(
        description="Each once.",
        examples=[[{"entitlement": "free_delivery", "given_by": "tier/status/gold", "until": "2027-12-31T23:00:00Z"}]],
    )

    @classmethod
    def of(cls, ruleset: Ruleset, member: MemberState, now: datetime) -> Self:
        """Show what a member is entitled to of whom everything due was settled ``now``."""
        given = [EntitlementAnswer.model_validate(one) for one in show_entitlements(ruleset, member)]
        return cls(member_id=show_id("mem", member.id), at=show_instant(now), entitlements=given)


class GrantBody(Body):
    """A tier that is given by hand."""

    tier: Code | None = Field(description="Key of the tier; null: below all of them.", examples=["gold"])
    until: InstantField | None = Field(
        default=None, description="Until when; for good by default.", examples=["2027-06-30T22:00:00Z"]
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["goodwill"])


class GrantAnswer(OperationHead):
    """A tier that was given by hand, or such a gift that ended."""

    reason: str = Field(description="The reason code given.", examples=["goodwill"])
    tiers: list[TierMoveAnswer] = Field(
        description="Where the member went; empty: only how long it stays where it is by other means.",
        examples=[
            [
                {
                    "set": "status",
                    "tier": "gold",
                    "from": "silver",
                    "since": "2026-11-22T10:15:00Z",
                    "until": "2027-06-30T22:00:00Z",
                }
            ]
        ],
    )
