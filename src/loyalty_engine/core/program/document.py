"""The program document, version 1: the one definition of a loyalty programme, as a marketer writes it in YAML.

JSON Schema, OpenAPI and the validation of published documents all come from these models. What a single model cannot
know (that a rule names a wallet which exists, that a fact has the type it is compared with) is in ``checks.py``.
The defaults are part of version 1 and never change: stored documents leave them out.
"""

from math import gcd
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from loyalty_engine.core.kernel.amounts import Ratio, Rounding
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.conditions import Condition, LineSelection
from loyalty_engine.core.program.fields import CURRENCY_PATTERN, Entry, Key, Name, Percent, Positive

MAX_RULES: Final = 5_000
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


class PointsRedeem(Entry):
    """What points are worth when they are spent. ``step`` × ``amount`` must be divisible by ``points``."""

    points: Positive = Field(description="So many points …", examples=[100])
    amount: Positive = Field(description="… are worth so many minor units.", examples=[100])
    min_points: Positive = Field(default=1, description="Fewest points that can be spent at once.", examples=[100])
    step: Positive = Field(default=1, description="Points are spent in multiples of this.", examples=[100])
    max_share: Percent = Field(
        default="100%", description="Largest share of an order that points may pay.", examples=["50%"]
    )

    @property
    def worth(self) -> Ratio:
        """Minor units per point, in lowest terms: the denominator is the smallest step worth whole minor units."""
        divisor = gcd(self.amount, self.points)
        return Ratio(self.amount // divisor, self.points // divisor)


class MoneyRedeem(Entry):
    """How money in a wallet is spent. One unit is worth one minor unit, so there is no rate to choose."""

    min_points: Positive = Field(default=1, description="Fewest minor units that can be spent at once.", examples=[1])
    step: Positive = Field(default=1, description="The amount is spent in multiples of this.", examples=[1])
    max_share: Percent = Field(
        default="100%", description="Largest share of an order that the wallet may pay.", examples=["50%"]
    )

    @property
    def worth(self) -> Ratio:
        """Minor units per unit: always one."""
        return Ratio(1, 1)


class PointsWallet(Entry):
    """A balance of points, stamps or status points."""

    key: Key = Field(description="How rules and the API name the wallet.", examples=["points"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Points"])
    unit: Literal["points"] = Field(description="Counts points.", examples=["points"])
    redeem: PointsRedeem | None = Field(
        default=None,
        description="How points are spent; without it they cannot be spent.",
        examples=[{"points": 100, "amount": 100, "min_points": 100, "step": 100, "max_share": "50%"}],
    )


class MoneyWallet(Entry):
    """A balance of money, such as cashback, in minor units of the programme's currency."""

    key: Key = Field(description="How rules and the API name the wallet.", examples=["cashback"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Cashback"])
    unit: Literal["money"] = Field(description="Counts minor units.", examples=["money"])
    redeem: MoneyRedeem | None = Field(
        default=None,
        description="How the money is spent; without it it cannot be spent.",
        examples=[{"min_points": 100}],
    )


Wallet = Annotated[PointsWallet | MoneyWallet, Field(discriminator="unit")]

_OF: Final = Field(
    default=None,
    description="The lines on whose amount this is computed; all lines by default.",
    examples=[{"category": ["coffee"]}],
)


class PerAmount(Entry):
    """So many points for each so much money."""

    kind: Literal["per_amount"] = Field(description="Points per amount.", examples=["per_amount"])
    points: Positive = Field(
        description="So many units of the wallet (points, or minor units of a money wallet) …", examples=[1]
    )
    per: Positive = Field(description="… per so many minor units of the base.", examples=[100])
    of: LineSelection | None = _OF


class Fixed(Entry):
    """A fixed number of points per order."""

    kind: Literal["fixed"] = Field(description="Fixed points per order.", examples=["fixed"])
    points: Positive = Field(
        description="Units of the wallet: points, or minor units of a money wallet.", examples=[20]
    )


class PercentOfAmount(Entry):
    """A share of the amount, as money. Only for money wallets: a percentage of cents has no meaning in points."""

    kind: Literal["percent"] = Field(description="Share of the base.", examples=["percent"])
    rate: Percent = Field(description="The share.", examples=["2%"])
    of: LineSelection | None = _OF


Earn = Annotated[PerAmount | Fixed | PercentOfAmount, Field(discriminator="kind")]


class EarningRuleEntry(Entry):
    """What an order earns in one wallet, and when. All rules that match add up."""

    key: Key = Field(description="How reasons and reports name the rule.", examples=["base"])
    name: Name | None = Field(
        default=None, description="Name for people; the key by default.", examples=["One point per euro"]
    )
    wallet: Key = Field(description="Key of the wallet that is credited.", examples=["points"])
    when: Condition | None = Field(
        default=None,
        description="Condition on order and member; always by default.",
        examples=[{"fact": "order.channel", "is": "web"}],
    )
    earn: Earn = Field(description="What is earned.", examples=[{"kind": "per_amount", "points": 1, "per": 100}])
    rounding: Rounding | None = Field(
        default=None,
        description="Rounds once per order, after all lines; the policy's rounding by default.",
        examples=["floor"],
    )
    active: bool = Field(default=True, description="Switches the rule off without losing it.", examples=[True])


class EarningPolicy(Entry):
    """What holds for all earning rules."""

    base: Literal["net_of_points", "gross"] = Field(
        default="net_of_points",
        description="On which amount orders earn: without what points paid, or on everything. Never on shipping.",
        examples=["net_of_points"],
    )
    rounding: Rounding = Field(
        default="floor",
        description="How fractions of a point are rounded; nearest takes a half up.",
        examples=["floor"],
    )


class Policies(Entry):
    """Where good systems differ, the choice of this programme."""

    earning: EarningPolicy = Field(
        default=EarningPolicy(), description="Policies of earning.", examples=[{"base": "gross", "rounding": "nearest"}]
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
    earning_rules: Annotated[tuple[EarningRuleEntry, ...], Field(strict=False, max_length=MAX_RULES)] = Field(
        default=(),
        description="What orders earn.",
        examples=[[{"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}}]],
    )
    policies: Policies = Field(
        default=Policies(), description="Choices that hold for all rules.", examples=[{"earning": {"base": "gross"}}]
    )
