"""Where good systems differ, the choice of this programme: policies of earning, and of what comes back."""

from typing import Annotated, Literal

from pydantic import Field

from loyalty_engine.core.program.earning import EarningPolicy
from loyalty_engine.core.program.fields import Entry
from loyalty_engine.core.program.promotions import PromotionPolicy

Days = Annotated[int, Field(ge=1, le=3_650)]


class ReturnPolicy(Entry):
    """What happens to points when goods come back."""

    points: Literal["recomputed", "proportional", "none"] = Field(
        default="recomputed",
        description="Which points the customer keeps: those that the goods they kept would have earned; a share by "
        "value; or all of them. A cancelled order keeps none.",
        examples=["recomputed"],
    )
    discounts: Literal["proportional", "recomputed"] = Field(
        default="proportional",
        description="What goods that come back are worth: what they cost after promotions; or what was paid less what the "
        "customer would have paid for the goods they kept, under the promotions that the order got. A cancelled order "
        "comes back for what it cost.",
        examples=["recomputed"],
    )
    clawback: Literal["debt", "clamp", "refuse"] = Field(
        default="debt",
        description="When the balance does not cover the points to be taken: owe the rest, forgive it, or refuse the "
        "return.",
        examples=["debt"],
    )
    expired: Literal["grace", "stay_expired"] = Field(
        default="grace",
        description="Points that paid come back after they would have expired: they get some days of grace, or stay "
        "expired.",
        examples=["grace"],
    )
    grace_days: Days = Field(default=30, description="Days of grace.", examples=[30])
    unmatched_days: Days = Field(
        default=30, description="How many days a return waits for an order that is not known yet.", examples=[30]
    )


class OrderPolicy(Entry):
    """Which orders somebody has to look at: those that come late, from the future, or under a number that was used."""

    ahead_minutes: Annotated[int, Field(ge=0, le=1_440)] = Field(
        default=5, description="How many minutes a till's clock may be ahead of ours.", examples=[5]
    )
    ahead: Literal["refuse", "review"] = Field(
        default="refuse", description="What happens to orders from further ahead.", examples=["review"]
    )
    max_age_days: Days | None = Field(
        default=None,
        description="How old an order may be when it arrives, in days of 24 hours; null is any age.",
        examples=[14],
    )
    late: Literal["review", "refuse"] = Field(
        default="review", description="What happens to older orders.", examples=["review"]
    )
    number_reuse: Literal["refuse", "review"] = Field(
        default="refuse",
        description="What happens to a till's receipt under a number of its business date that another receipt has: a "
        "till that was reset counts from 1 again.",
        examples=["review"],
    )


class Policies(Entry):
    """Where good systems differ, the choice of this programme."""

    earning: EarningPolicy = Field(
        default=EarningPolicy(), description="Policies of earning.", examples=[{"base": "gross", "rounding": "nearest"}]
    )
    returns: ReturnPolicy = Field(
        default=ReturnPolicy(), description="Policies of returns.", examples=[{"points": "proportional"}]
    )
    orders: OrderPolicy = Field(
        default=OrderPolicy(), description="Policies of orders that arrive late.", examples=[{"max_age_days": 14}]
    )
    promotions: PromotionPolicy = Field(
        default=PromotionPolicy(), description="Policies of promotions.", examples=[{"choose": "best"}]
    )
