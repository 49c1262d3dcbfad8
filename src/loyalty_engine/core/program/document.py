"""The program document, version 1: the one definition of a loyalty programme, as a marketer writes it in YAML.

JSON Schema, OpenAPI and the validation of published documents all come from these models. What a single model cannot
know (that a rule names a wallet which exists, that a fact has the type it is compared with) is in ``checks.py``.
The defaults are part of version 1 and never change: stored documents leave them out.
"""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from loyalty_engine.core.program.activities import ActivityKinds
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.earning import MAX_GROUPS, MAX_RULES, EarningGroup, EarningRuleEntry
from loyalty_engine.core.program.fields import CURRENCY_PATTERN, Entry, Name
from loyalty_engine.core.program.plans import MAX_PLANS, PlanEntry
from loyalty_engine.core.program.policies import Policies
from loyalty_engine.core.program.promotions import (
    MAX_PROMOTION_GROUPS,
    MAX_PROMOTIONS,
    PromotionEntry,
    PromotionGroup,
)
from loyalty_engine.core.program.referrals import MAX_REFERRALS, ReferralEntry
from loyalty_engine.core.program.tiers import MAX_TIER_SETS, TierSet
from loyalty_engine.core.program.wallets import Wallet

MAX_WALLETS: Final = 100


def _refuse_true(version: object) -> object:
    return None if version is True else version


Version = Annotated[Literal[1], BeforeValidator(_refuse_true)]
"""1, and not true, which Python takes for 1."""


class Identity(Entry):
    """Who the programme is: the same for its whole life, apart from its name."""

    name: Name = Field(description="Name for people.", examples=["Corner Grocer"])
    currency: str = Field(
        pattern=CURRENCY_PATTERN, description="ISO 4217 code; all money is in its minor units.", examples=["EUR"]
    )
    time_zone: Name = Field(
        description="IANA time zone in which days, months and birthdays are counted.", examples=["Europe/Berlin"]
    )
    unknown_card: Literal["enrol", "park", "refuse"] = Field(
        default="enrol",
        description="A till sends a card nobody has registered: enrol it as a new member, park the receipt until "
        "somebody registers the card, or refuse the receipt.",
        examples=["enrol"],
    )


class Program(Entry):
    """A whole program document."""

    version: Version = Field(description="Version of the document's form.", examples=[1])
    program: Identity = Field(
        description="Who the programme is.",
        examples=[{"name": "Corner Grocer", "currency": "EUR", "time_zone": "Europe/Berlin"}],
    )
    attributes: Attributes = Field(
        default=Attributes(),
        description="Attributes that members, orders and lines may carry.",
        examples=[{"member": {"vegan": {"type": "boolean"}}}],
    )
    wallets: Annotated[tuple[Wallet, ...], Field(strict=False, max_length=MAX_WALLETS)] = Field(
        default=(), description="Balances that a member has.", examples=[[{"key": "points", "unit": "points"}]]
    )
    activities: ActivityKinds = Field(
        default=(),
        description="Kinds of activity that shops may report.",
        examples=[[{"key": "survey_answered", "once_per": "subject"}]],
    )
    earning_groups: Annotated[tuple[EarningGroup, ...], Field(strict=False, max_length=MAX_GROUPS)] = Field(
        default=(),
        description="Groups in which earning rules compete.",
        examples=[[{"key": "boosts", "choose": "best"}]],
    )
    earning_rules: Annotated[tuple[EarningRuleEntry, ...], Field(strict=False, max_length=MAX_RULES)] = Field(
        default=(),
        description="What orders and activities earn.",
        examples=[[{"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}}]],
    )
    promotion_groups: Annotated[tuple[PromotionGroup, ...], Field(strict=False, max_length=MAX_PROMOTION_GROUPS)] = (
        Field(
            default=(),
            description="Groups in which promotions compete.",
            examples=[[{"key": "offers", "choose": "best"}]],
        )
    )
    promotions: Annotated[tuple[PromotionEntry, ...], Field(strict=False, max_length=MAX_PROMOTIONS)] = Field(
        default=(),
        description="What carts get off or on top.",
        examples=[[{"key": "autumn", "effect": {"kind": "percent_off", "percent": "15%"}}]],
    )
    tier_sets: Annotated[tuple[TierSet, ...], Field(strict=False, max_length=MAX_TIER_SETS)] = Field(
        default=(),
        description="Ladders of statuses that members climb.",
        examples=[
            [
                {
                    "key": "status",
                    "metric": {"kind": "spend"},
                    "window": {"kind": "calendar", "unit": "year"},
                    "tiers": [{"key": "silver", "at_least": 20000}],
                }
            ]
        ],
    )
    plans: Annotated[tuple[PlanEntry, ...], Field(strict=False, max_length=MAX_PLANS)] = Field(
        default=(),
        description="Memberships that members pay for.",
        examples=[[{"key": "club", "price": 4900, "term": {"months": 12}}]],
    )
    policies: Policies = Field(
        default=Policies(), description="Choices that hold for all rules.", examples=[{"earning": {"base": "gross"}}]
    )
    referrals: Annotated[tuple[ReferralEntry, ...], Field(strict=False, max_length=MAX_REFERRALS)] = Field(
        default=(),
        description="Programmes by which members bring friends.",
        examples=[[{"key": "friends", "qualifies": {"kind": "order", "settles_after": {"days": 14}}}]],
    )
