"""Tiers that change with what was done: in the answers of all that may lead members up or down."""

from typing import Annotated

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer


class TierMoveAnswer(Answer):
    """A tier that a member got, lost, or keeps for longer."""

    set: str = Field(description="Key of the tier set.", examples=["status"])
    tier: str | None = Field(description="Key of the tier in which it is now; null: below all.", examples=["silver"])
    from_: str | None = Field(
        alias="from", description="The tier in which it was before; null: below all.", examples=[None]
    )
    since: str = Field(description="Since when it is there.", examples=["2026-11-21T10:15:00Z"])
    until: str | None = Field(description="Until when at least; null: for good.", examples=["2027-12-31T23:00:00Z"])


TierMoves = Annotated[
    list[TierMoveAnswer] | None,
    Field(
        description="Tiers that the member got, lost or keeps for longer with this; left out in programs without tier sets.",
        examples=[
            [
                {
                    "set": "status",
                    "tier": "silver",
                    "from": None,
                    "since": "2026-11-21T10:15:00Z",
                    "until": "2027-12-31T23:00:00Z",
                }
            ]
        ],
    ),
]
