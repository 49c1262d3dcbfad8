"""Earning rules as people write them: what an order or an activity gives, when, how often, and beside which others."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.core.kernel.amounts import Rounding
from loyalty_engine.core.program.conditions import Condition, LineSelection
from loyalty_engine.core.program.fields import DecimalFactor, Entry, Key, Name, Percent, Positive, PositiveDecimal
from loyalty_engine.core.program.lifetimes import Activation
from loyalty_engine.core.program.windows import Hours, Window

MAX_RULES: Final = 5_000
MAX_GROUPS: Final = 200
MAX_LIMITS: Final = 10

LimitPeriod = Literal["day", "week", "month", "quarter", "year", "lifetime"]

_OF: Final = Field(
    default=None,
    description="The lines on which this is computed; all lines by default.",
    examples=[{"category": ["coffee"]}],
)
_FULL: Final = Field(
    default=False,
    description="Counts full units only: 1 point per 10.00 gives nothing for the last 9.99. Otherwise in proportion.",
    examples=[False],
)
_POINTS: Final = Field(description="Units of the wallet: points, or minor units of a money wallet.", examples=[1])


class PerAmount(Entry):
    """So many points for each so much money."""

    kind: Literal["per_amount"] = Field(description="Points per amount.", examples=["per_amount"])
    points: Positive = _POINTS
    per: Positive = Field(description="Minor units of the base for which they are given.", examples=[100])
    of: LineSelection | None = _OF
    full_units: bool = _FULL


class Fixed(Entry):
    """A fixed number of points per order or activity."""

    kind: Literal["fixed"] = Field(description="Fixed points.", examples=["fixed"])
    points: Positive = _POINTS


class PerLine(Entry):
    """So many points for each line that matches."""

    kind: Literal["per_line"] = Field(description="Points per line.", examples=["per_line"])
    points: Positive = _POINTS
    of: LineSelection | None = _OF


class PerUnit(Entry):
    """So many points for each unit of quantity: pieces, kilograms, litres."""

    kind: Literal["per_unit"] = Field(description="Points per quantity.", examples=["per_unit"])
    points: Positive = _POINTS
    per: PositiveDecimal = Field(default=1, description="Quantity for which they are given.", examples=["0.5"])
    of: LineSelection | None = _OF
    full_units: bool = _FULL


class PerValue(Entry):
    """So many points for each unit of a declared number of the order or activity, such as bottles brought back."""

    kind: Literal["per_value"] = Field(description="Points per value of an attribute.", examples=["per_value"])
    attribute: Key = Field(
        description="A declared integer or decimal attribute of the activity, or of the order.", examples=["bottles"]
    )
    points: Positive = _POINTS
    per: PositiveDecimal = Field(default=1, description="Value for which they are given.", examples=[10])
    full_units: bool = _FULL


class PercentOfAmount(Entry):
    """A share of the amount, as money. Only for money wallets: a percentage of cents has no meaning in points."""

    kind: Literal["percent"] = Field(description="Share of the base.", examples=["percent"])
    rate: Percent = Field(description="The share.", examples=["2%"])
    of: LineSelection | None = _OF


class Multiply(Entry):
    """More of what the other rules give into the same wallet: factor 2 adds once more what they give.

    Multipliers never multiply each other, so their order does not matter: 2 and 3 together make 1 + 1 + 2 times.
    """

    kind: Literal["multiply"] = Field(description="Multiplies other rules.", examples=["multiply"])
    factor: DecimalFactor = Field(description="More than 1, at most 100.", examples=["2"])
    of: LineSelection | None = Field(
        default=None,
        description="Only what these lines give is multiplied, fixed points not; everything by default.",
        examples=[{"category": ["coffee"]}],
    )
    rules: Annotated[tuple[Key, ...], Field(strict=False, min_length=1, max_length=MAX_RULES)] | None = Field(
        default=None, description="Only these rules are multiplied; all of the wallet by default.", examples=[["base"]]
    )


Earn = Annotated[
    PerAmount | Fixed | PerLine | PerUnit | PerValue | PercentOfAmount | Multiply, Field(discriminator="kind")
]


class Limit(Entry):
    """How much, or how often, a rule may give: exactly one of ``points`` and ``times``."""

    per: Literal["order", "member", "program"] = Field(
        description="For whom it counts: one order or activity, one member, or all together.", examples=["member"]
    )
    points: Positive | None = Field(
        default=None,
        description="Most units of the wallet; the last grant is cut to what is left.",
        examples=[500],
    )
    times: Positive | None = Field(default=None, description="Most grants, whatever their size.", examples=[1])
    period: LimitPeriod = Field(
        default="lifetime",
        description="Calendar period of the program's zone after which it counts anew.",
        examples=["month"],
    )

    @model_validator(mode="after")
    def _is_meaningful(self) -> "Limit":
        if (self.points is None) == (self.times is None):
            raise PydanticCustomError("not_exactly_one", "needs exactly one of points and times")
        if self.per == "order" and (self.times is not None or self.period != "lifetime"):
            raise PydanticCustomError("out_of_range", "of one order can only be a number of points, without period")
        return self


class EarningGroup(Entry):
    """Rules that compete. A group may be part of another one."""

    key: Key = Field(description="How rules name the group.", examples=["boosts"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Boosts"])
    choose: Literal["all", "best", "first"] = Field(
        description="Which of its rules that match give something: all of them; in each wallet the one that gives "
        "most; or only the one of highest priority.",
        examples=["best"],
    )
    group: Key | None = Field(default=None, description="The group of which this one is a part.", examples=["offers"])
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Among its neighbours; higher goes first.", examples=[10]
    )


class EarningRuleEntry(Entry):
    """What an order, or an activity, earns in one wallet, and when."""

    key: Key = Field(description="How reasons and reports name the rule.", examples=["base"])
    name: Name | None = Field(
        default=None, description="Name for people; the key by default.", examples=["One point per euro"]
    )
    wallet: Key = Field(description="Key of the wallet that is credited.", examples=["points"])
    activity: Key | None = Field(
        default=None,
        description="Kind of activity that earns; without it orders earn.",
        examples=["survey_answered"],
    )
    window: Window | None = Field(
        default=None, description="When the rule is open; always by default.", examples=[{"starts_at": "2026-12-01"}]
    )
    schedule: Annotated[tuple[Hours, ...], Field(strict=False, min_length=1, max_length=50)] | None = Field(
        default=None,
        description="Hours of the week in which it is open: any of these.",
        examples=[[{"weekdays": ["friday"], "starts": "17:00", "ends": "19:00"}]],
    )
    when: Condition | None = Field(
        default=None,
        description="Condition on order or activity and member; always by default.",
        examples=[{"fact": "order.channel", "is": "web"}],
    )
    earn: Earn = Field(description="What is earned.", examples=[{"kind": "per_amount", "points": 1, "per": 100}])
    rounding: Rounding | None = Field(
        default=None,
        description="Rounds once per order, after all lines; the policy's rounding by default.",
        examples=["floor"],
    )
    limits: Annotated[tuple[Limit, ...], Field(strict=False, max_length=MAX_LIMITS)] = Field(
        default=(),
        description="How much it may give; the tightest limit wins.",
        examples=[[{"per": "member", "points": 1000, "period": "month"}]],
    )
    activation: Activation | None = Field(
        default=None,
        description="When what it gives can be spent; as the wallet says by default.",
        examples=[{"kind": "confirmed"}],
    )
    group: Key | None = Field(default=None, description="Group in which the rule competes.", examples=["boosts"])
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Among the rules of its group; higher goes first.", examples=[10]
    )
    active: bool = Field(default=True, description="Switches the rule off without losing it.", examples=[True])


class EarningPolicy(Entry):
    """What holds for all earning rules."""

    base: Literal["net_of_points", "discounted", "gross"] = Field(
        default="net_of_points",
        description="On which amount orders earn: on what is left after promotions, without what points and the tenders "
        "below paid; on what is left after promotions, however it was paid; or on what the shop reported.",
        examples=["net_of_points"],
    )
    unearning_tenders: Annotated[tuple[Name, ...], Field(strict=False, max_length=50)] = Field(
        default=("gift_card",),
        description="Kinds of tender on which nothing is earned, under net_of_points.",
        examples=[["gift_card"]],
    )
    tax: Literal["included", "excluded"] = Field(
        default="included", description="Whether orders earn on the tax inside their amounts.", examples=["included"]
    )
    shipping: bool = Field(
        default=False,
        description="Whether orders earn on shipping, in rules that select no lines.",
        examples=[False],
    )
    excluded: LineSelection | None = Field(
        default=None,
        description="Goods on which no rule gives anything.",
        examples=[{"category": ["tobacco", "gift_cards"]}],
    )
    choose: Literal["all", "best", "first"] = Field(
        default="all",
        description="Which of several rules outside of groups give something: all; in each wallet the one that gives "
        "most; or only the one of highest priority.",
        examples=["all"],
    )
    rounding: Rounding = Field(
        default="floor",
        description="How fractions of a point are rounded; nearest takes a half up.",
        examples=["floor"],
    )
