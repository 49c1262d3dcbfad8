"""Previews of changed ladders: who would move where, and what that would cost."""

from typing import Final, Self

from pydantic import Field

from loyalty_engine.api.pagination import PageQuery, show_cursor
from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.core.engine.ladder_changes import Forecast
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id

_MICROS: Final = 1_000_000


class PreviewQuery(PageQuery):
    """Which members are looked at."""

    limit: int = Field(default=1_000, ge=1, le=5_000, description="Most members to look at.", examples=[1_000])


class StepAnswer(Answer):
    """Members that would go from one tier to another, or stay where they are."""

    set: str = Field(description="Key of the tier set.", examples=["status"])
    from_: str | None = Field(
        alias="from", description="The tier in which they are now; null: below all.", examples=["gold"]
    )
    tier: str | None = Field(description="The tier in which they would be; null: below all.", examples=["silver"])
    members: int = Field(description="How many.", examples=[17])
    named: list[str] = Field(
        description="Up to ten of those that move, for keys with the scope `tiers:read`; else none.",
        examples=[["mem_01m8054496erxvcc6weqy7k3j5"]],
    )


class ExtraPoints(Answer):
    """Points of one wallet that tiers would give more, or less."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="How many more; less than 0: fewer.", examples=[12_400])
    worth: int | None = Field(
        description="What they are worth when they are spent, in minor units; null: they cannot be.", examples=[12_400]
    )


class CostAnswer(Answer):
    """What privileges would have given more, or less, in the last 365 days."""

    discounts: int = Field(description="More taken off, in minor units; less than 0: less.", examples=[35_000])
    points: list[ExtraPoints] = Field(
        description="More points, by wallet.", examples=[[{"wallet": "points", "points": 12_400, "worth": 12_400}]]
    )


class TierPreviewAnswer(Answer):
    """What publishing the document would do to some members, and what it would have cost for them."""

    members: int = Field(description="How many members were looked at.", examples=[1_000])
    steps: list[StepAnswer] = Field(
        description="Where they would go, by set: those that move, and those that stay.",
        examples=[
            [
                {
                    "set": "status",
                    "from": "gold",
                    "tier": "silver",
                    "members": 17,
                    "named": ["mem_01m8054496erxvcc6weqy7k3j5"],
                }
            ]
        ],
    )
    costs: CostAnswer = Field(
        description="What they would have got more in the last 365 days if they had been in the new tier all the time, with "
        "its discount on all they bought.",
        examples=[{"discounts": 35_000, "points": [{"wallet": "points", "points": 12_400, "worth": 12_400}]}],
    )
    next_cursor: str | None = Field(
        description="Where the next members begin; null when these were the last.", examples=["AZrT3m9PcOOUqzLKqJfGvg"]
    )

    @classmethod
    def of(cls, forecast: Forecast, after: Ruleset, *, shows_members: bool) -> Self:
        """Show a forecast of what these rules would do, with whom they would move or only how many."""
        steps = [
            StepAnswer.model_validate(
                {
                    "set": step.tier_set,
                    "from": step.before,
                    "tier": step.after,
                    "members": members,
                    "named": [show_id("mem", member) for member in forecast.named.get(step, ()) if shows_members],
                }
            )
            for step, members in sorted(
                forecast.steps.items(), key=lambda item: (item[0].tier_set, item[0].before or "", item[0].after or "")
            )
        ]
        points = [
            ExtraPoints(wallet=wallet, points=extra, worth=_worth(after, wallet, extra))
            for wallet, extra in sorted(forecast.points.items())
            if extra
        ]
        return cls(
            members=forecast.members,
            steps=steps,
            costs=CostAnswer(discounts=forecast.discounts, points=points),
            next_cursor=None if forecast.last is None else show_cursor(forecast.last),
        )


def _worth(ruleset: Ruleset, wallet: str, points: int) -> int | None:
    rules = ruleset.wallets.get(wallet)
    if rules is None or rules.redeem is None:
        return None
    size = abs(points) * rules.redeem.cost_micros // _MICROS
    return size if points >= 0 else -size
