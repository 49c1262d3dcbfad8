"""Promotions as people write them: what a cart gets off or on top, when, for whom, how often, and beside which others."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.core.kernel.amounts import Rounding
from loyalty_engine.core.program.conditions import Condition, LineSelection
from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.program.fields import (
    DecimalFactor,
    Entry,
    Key,
    Name,
    Percent,
    Positive,
    PositiveDecimal,
    Text,
    Texts,
)
from loyalty_engine.core.program.windows import Hours, Window

MAX_PROMOTIONS: Final = 5_000
MAX_PROMOTION_GROUPS: Final = 200
MAX_PROMOTION_LIMITS: Final = 10
MAX_STEPS: Final = 50
MAX_PARTS: Final = 20
MAX_METADATA: Final = 50

Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""How many units of goods."""

_OF: Final = Field(
    default=None,
    description="The lines that this is about; all lines by default.",
    examples=[{"category": ["coffee"]}],
)


class UnitChoice(Entry):
    """Some of the units that a selection means, each worth its share of its line: exactly one of these."""

    cheapest: Count | None = Field(default=None, description="So many of the cheapest.", examples=[1])
    dearest: Count | None = Field(default=None, description="So many of the dearest.", examples=[1])
    every: Annotated[int, Field(ge=2, le=1_000_000)] | None = Field(
        default=None, description="One of every so many, and of all these the cheapest.", examples=[3]
    )

    @model_validator(mode="after")
    def _says_one(self) -> "UnitChoice":
        if sum(choice is not None for choice in (self.cheapest, self.dearest, self.every)) != 1:
            raise PydanticCustomError("not_exactly_one", "needs exactly one of cheapest, dearest and every")
        return self


class PercentOff(Entry):
    """A share off what lines cost, or off some of their units."""

    kind: Literal["percent_off"] = Field(description="Percent off.", examples=["percent_off"])
    percent: Percent = Field(description="The share.", examples=["15%"])
    of: LineSelection | None = _OF
    units: UnitChoice | None = Field(
        default=None, description="Only some units; all by default.", examples=[{"cheapest": 1}]
    )


class AmountOff(Entry):
    """So much off: once, or for each line or unit."""

    kind: Literal["amount_off"] = Field(description="Amount off.", examples=["amount_off"])
    amount: Positive = Field(description="Minor units.", examples=[500])
    each: Literal["order", "line", "unit"] = Field(
        default="order", description="Off them all together, off each line, or off each unit.", examples=["order"]
    )
    of: LineSelection | None = _OF


class UnitPrice(Entry):
    """Another price for each unit, where that is lower."""

    kind: Literal["unit_price"] = Field(description="Unit price.", examples=["unit_price"])
    price: Annotated[int, Field(ge=0, le=10**12)] = Field(description="Minor units per unit.", examples=[199])
    of: LineSelection | None = _OF
    units: UnitChoice | None = Field(default=None, description="Only some units; all by default.", examples=[None])


class TotalPrice(Entry):
    """Another price for all lines together, where that is lower."""

    kind: Literal["total_price"] = Field(description="Price of them all.", examples=["total_price"])
    price: Annotated[int, Field(ge=0, le=10**12)] = Field(description="Minor units.", examples=[9900])
    of: LineSelection | None = _OF


class ShippingOff(Entry):
    """Delivery for less: a share or an amount off, or the whole of it."""

    kind: Literal["shipping_off"] = Field(description="Shipping off.", examples=["shipping_off"])
    percent: Percent | None = Field(default=None, description="The share; 100% by default.", examples=["100%"])
    amount: Positive | None = Field(default=None, description="Minor units, instead of a share.", examples=[490])

    @model_validator(mode="after")
    def _says_one(self) -> "ShippingOff":
        if self.percent is not None and self.amount is not None:
            raise PydanticCustomError("not_exactly_one", "has a percent or an amount, not both")
        return self


class Step(Entry):
    """From so much on, so much off."""

    at_least: Positive = Field(description="What the lines must cost, in minor units.", examples=[5000])
    percent: Percent | None = Field(default=None, description="Share off them all.", examples=["10%"])
    amount: Positive | None = Field(default=None, description="Minor units off, instead of a share.", examples=[500])

    @model_validator(mode="after")
    def _says_one(self) -> "Step":
        if (self.percent is None) == (self.amount is None):
            raise PydanticCustomError("not_exactly_one", "needs exactly one of percent and amount")
        return self


class Stepped(Entry):
    """The more the lines cost, the more is off: the highest step that is reached counts."""

    kind: Literal["stepped"] = Field(description="In steps.", examples=["stepped"])
    steps: Annotated[tuple[Step, ...], Field(strict=False, min_length=1, max_length=MAX_STEPS)] = Field(
        description="The steps, lowest first.", examples=[[{"at_least": 5000, "percent": "10%"}]]
    )
    of: LineSelection | None = _OF


class Part(Entry):
    """So many units of some goods."""

    of: LineSelection | None = _OF
    quantity: Count = Field(default=1, description="How many units.", examples=[2])


class BuyGet(Entry):
    """Who buys some units gets others for less; the cheapest of those that are left are the ones for less."""

    kind: Literal["buy_get"] = Field(description="Buy some, get some.", examples=["buy_get"])
    buy: Part = Field(description="What must be bought at its price.", examples=[{"quantity": 2}])
    get: Part = Field(description="What is for less then; of the same goods by default.", examples=[{"quantity": 1}])
    percent: Percent = Field(default="100%", description="Share off what is for less.", examples=["100%"])
    repeat: Count | None = Field(
        default=None, description="How often at most; any number of times by default.", examples=[3]
    )


class Bundle(Entry):
    """Goods that cost less together. A unit is in one bundle only."""

    kind: Literal["bundle"] = Field(description="Bundle.", examples=["bundle"])
    parts: Annotated[tuple[Part, ...], Field(strict=False, min_length=1, max_length=MAX_PARTS)] = Field(
        description="What belongs together.",
        examples=[[{"of": {"category": ["coffee"]}}, {"of": {"category": ["juice"]}}]],
    )
    price: Annotated[int, Field(ge=0, le=10**12)] | None = Field(
        default=None, description="What one bundle costs, in minor units.", examples=[500]
    )
    percent: Percent | None = Field(default=None, description="Share off each bundle.", examples=["20%"])
    amount: Positive | None = Field(default=None, description="Minor units off each bundle.", examples=[100])
    repeat: Count | None = Field(
        default=None, description="How often at most; any number of times by default.", examples=[3]
    )

    @model_validator(mode="after")
    def _says_one(self) -> "Bundle":
        if sum(choice is not None for choice in (self.price, self.percent, self.amount)) != 1:
            raise PydanticCustomError("not_exactly_one", "needs exactly one of price, percent and amount")
        return self


class Gift(Entry):
    """Goods for nothing: the units that are in the cart cost nothing, the others are for the shop to add."""

    kind: Literal["gift"] = Field(description="Gift.", examples=["gift"])
    sku: Name = Field(description="What is given.", examples=["sample-house-blend"])
    quantity: Count = Field(default=1, description="How many units.", examples=[1])
    per_amount: Positive | None = Field(
        default=None, description="Once for each so many minor units of ``of``.", examples=[5000]
    )
    per_quantity: PositiveDecimal | None = Field(
        default=None, description="Once for each so much of ``of``, such as kilograms.", examples=["1"]
    )
    most: Count | None = Field(default=None, description="How many units at most.", examples=[3])
    of: LineSelection | None = _OF


class ExtraPoints(Entry):
    """Points on top of what earning rules give."""

    kind: Literal["points"] = Field(description="Extra points.", examples=["points"])
    wallet: Key = Field(description="Key of the wallet.", examples=["points"])
    points: Positive = Field(description="Units of the wallet.", examples=[100])


class PointsTimes(Entry):
    """More of what earning rules give for the order in a wallet: factor 2 adds once more what they give.

    Multipliers never multiply each other, neither those of promotions nor those of rules, and no extra points.
    """

    kind: Literal["points_times"] = Field(description="Multiplied points.", examples=["points_times"])
    wallet: Key = Field(description="Key of the wallet.", examples=["points"])
    factor: DecimalFactor = Field(description="More than 1, at most 100.", examples=["2"])
    of: LineSelection | None = Field(
        default=None,
        description="Only what these lines give is multiplied, fixed points not; everything by default.",
        examples=[{"category": ["coffee"]}],
    )


class CodeIssue(Entry):
    """A promo code of its own for the member who buys, such as a voucher for the next purchase. Guests get none."""

    kind: Literal["issue_code"] = Field(description="A code for later.", examples=["issue_code"])
    pool: Key = Field(
        description="Key of the pool of personal codes or vouchers out of which it is given.",
        examples=["next_purchase"],
    )


PromotionEffect = Annotated[
    PercentOff
    | AmountOff
    | UnitPrice
    | TotalPrice
    | ShippingOff
    | Stepped
    | BuyGet
    | Bundle
    | Gift
    | ExtraPoints
    | PointsTimes
    | CodeIssue,
    Field(discriminator="kind"),
]


class PromotionLimit(Entry):
    """How much, or how often, a promotion may give: exactly one of ``amount`` and ``times``."""

    per: Literal["member", "location", "program"] = Field(description="For whom it counts.", examples=["member"])
    amount: Positive | None = Field(default=None, description="Most minor units given: a budget.", examples=[100_000])
    times: Positive | None = Field(default=None, description="Most orders.", examples=[1])
    period: LimitPeriod = Field(
        default="lifetime",
        description="Calendar period of the program's zone after which it counts anew.",
        examples=["month"],
    )
    partial: bool = Field(
        default=False,
        description="Gives what is left of a budget, instead of nothing, when it does not do.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _is_meaningful(self) -> "PromotionLimit":
        if (self.amount is None) == (self.times is None):
            raise PydanticCustomError("not_exactly_one", "needs exactly one of amount and times")
        if self.partial and self.amount is None:
            raise PydanticCustomError("out_of_range", "is for budgets only")
        return self


class PromotionGroup(Entry):
    """Promotions that compete. A group may be part of another one."""

    key: Key = Field(description="How promotions name the group.", examples=["offers"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Offers"])
    choose: Literal["all", "best", "first"] = Field(
        description="Which of those that apply do: all, one upon the other; the one that saves most; or the one of "
        "highest priority.",
        examples=["best"],
    )
    group: Key | None = Field(default=None, description="The group of which this one is a part.", examples=["season"])
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Among its neighbours; higher goes first.", examples=[10]
    )


class PromotionEntry(Entry):
    """What a cart gets, and when."""

    key: Key = Field(description="How reasons and reports name the promotion.", examples=["second_purchase"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["15% off"])
    opened_by: Literal["itself", "code"] = Field(
        default="itself", description="Whether it applies by itself, or only with a promo code.", examples=["itself"]
    )
    audience: Literal["anyone", "members", "guests"] = Field(
        default="anyone", description="Who gets it; the condition can ask for more.", examples=["members"]
    )
    channels: Texts | None = Field(default=None, description="Only orders of these channels.", examples=[["web"]])
    locations: Texts | None = Field(
        default=None, description="Only orders of these locations.", examples=[["berlin-1"]]
    )
    window: Window | None = Field(
        default=None, description="When it is open; always by default.", examples=[{"starts_at": "2026-12-01"}]
    )
    schedule: Annotated[tuple[Hours, ...], Field(strict=False, min_length=1, max_length=50)] | None = Field(
        default=None,
        description="Hours of the week in which it is open: any of these.",
        examples=[[{"weekdays": ["friday"], "starts": "17:00", "ends": "19:00"}]],
    )
    when: Condition | None = Field(
        default=None,
        description="Condition on order and member, who see the order before any promotion; always by default.",
        examples=[{"fact": "member.orders", "is": 1}],
    )
    effect: PromotionEffect = Field(
        description="What the cart gets.", examples=[{"kind": "percent_off", "percent": "15%"}]
    )
    rounding: Rounding | None = Field(
        default=None,
        description="Rounds what is off, or multiplied points, once; as the policy of promotions, or of earning, does by "
        "default.",
        examples=["floor"],
    )
    at_most: Positive | None = Field(default=None, description="Most minor units off per order.", examples=[2000])
    floor: Percent | None = Field(
        default=None,
        description="What a line must still cost, as a share of what it cost before any promotion.",
        examples=["50%"],
    )
    limits: Annotated[tuple[PromotionLimit, ...], Field(strict=False, max_length=MAX_PROMOTION_LIMITS)] = Field(
        default=(),
        description="How much and how often it may be given; the tightest limit wins.",
        examples=[[{"per": "member", "times": 1}]],
    )
    group: Key | None = Field(default=None, description="Group in which it competes.", examples=["offers"])
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Among those of its group; higher goes first.", examples=[10]
    )
    metadata: Annotated[dict[Key, Text], Field(max_length=MAX_METADATA)] = Field(
        default_factory=dict,
        description="Texts of your own, shown with what it gives.",
        examples=[{"banner": "autumn"}],
    )
    active: bool = Field(default=True, description="Pauses it without losing it.", examples=[True])


class PromotionPolicy(Entry):
    """How promotions get on with each other."""

    choose: Literal["all", "best", "first"] = Field(
        default="all",
        description="Which of those that apply, and are in no group, do: all, one upon the other; the one that saves most; "
        "or the one of highest priority.",
        examples=["all"],
    )
    percent_of: Literal["rest", "list"] = Field(
        default="rest",
        description="Of what shares are taken: of what those before left, or of what the shop reported.",
        examples=["rest"],
    )
    rounding: Rounding = Field(default="nearest", description="Rounds what is off, once.", examples=["nearest"])
    codes_after_return: Literal["given_back", "stays_used"] = Field(
        default="given_back",
        description="What becomes of the use of a promo code once nothing is left of what its promotion gave: the order was "
        "cancelled, or its goods came back.",
        examples=["stays_used"],
    )
