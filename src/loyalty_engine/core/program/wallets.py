"""Wallets: the kinds of balance that a program's members have, and how they are spent."""

from math import gcd
from typing import Annotated, Literal

from pydantic import Field

from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.program.fields import Entry, Key, Name, Percent, Positive
from loyalty_engine.core.program.lifetimes import ACTIVATION, EXPIRY, Activation, Expiry


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
    activation: Activation | None = ACTIVATION
    expiry: Expiry | None = EXPIRY


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
    activation: Activation | None = ACTIVATION
    expiry: Expiry | None = EXPIRY


Wallet = Annotated[PointsWallet | MoneyWallet, Field(discriminator="unit")]
