"""Tier sets as people write them: what counts, over which time, what each tier asks for, how long it lasts, what it gives."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from loyalty_engine.core.kernel.instants import CalendarUnit
from loyalty_engine.core.program.conditions import Condition, LineSelection
from loyalty_engine.core.program.fields import DecimalFactor, Entry, Key, Name, Percent, Whole
from loyalty_engine.core.program.lifetimes import Length

MAX_TIER_SETS: Final = 10
MAX_TIERS: Final = 20
MAX_ENTITLEMENTS: Final = 50


class PointsEarned(Entry):
    """Counts what was earned in a wallet, whatever became of it since; what a return took back does not count."""

    kind: Literal["points_earned"] = Field(description="Points earned.", examples=["points_earned"])
    wallet: Key = Field(description="Key of the wallet.", examples=["status"])


class Spend(Entry):
    """Counts minor units paid for goods, less what points paid and what came back."""

    kind: Literal["spend"] = Field(description="Net spend.", examples=["spend"])


class Orders(Entry):
    """Counts orders of which something is left."""

    kind: Literal["orders"] = Field(description="Orders.", examples=["orders"])


class Quantity(Entry):
    """Counts whole units of goods that did not come back, whatever they are measured in."""

    kind: Literal["quantity"] = Field(description="Units of goods.", examples=["quantity"])
    of: LineSelection | None = Field(
        default=None, description="Which goods count; all by default.", examples=[{"category": ["coffee"]}]
    )


class Activities(Entry):
    """Counts activities of one kind, from when a set is published that does; or sums up what they tell.

    They are counted in the member's row, by the periods of the calendar: so no window that rolls can ask for them.
    """

    kind: Literal["activities"] = Field(description="Activities of one kind.", examples=["activities"])
    activity: Key = Field(description="Key of the kind.", examples=["own_cup"])
    sum_of: Key | None = Field(
        default=None,
        description="Attribute of whole numbers that is summed up; by default each activity is one.",
        examples=["kilometres"],
    )


TierMetric = Annotated[PointsEarned | Spend | Orders | Quantity | Activities, Field(discriminator="kind")]


class Lifetime(Entry):
    """All that ever was."""

    kind: Literal["lifetime"] = Field(description="From the first day on.", examples=["lifetime"])


class Rolling(Entry):
    """The time up to now."""

    kind: Literal["rolling"] = Field(description="A length of time up to now.", examples=["rolling"])
    length: Length = Field(description="How long.", examples=[{"months": 12}])


class Calendar(Entry):
    """The month, quarter or year of the program's zone."""

    kind: Literal["calendar"] = Field(description="A calendar period.", examples=["calendar"])
    unit: CalendarUnit = Field(description="Which.", examples=["year"])


class MembershipYear(Entry):
    """The year that begins on the day on which the member enrolled."""

    kind: Literal["membership_year"] = Field(
        description="From one anniversary to the next.", examples=["membership_year"]
    )


TierWindow = Annotated[Lifetime | Rolling | Calendar | MembershipYear, Field(discriminator="kind")]


class LastsForever(Entry):
    """A tier is kept for good."""

    kind: Literal["forever"] = Field(description="For good.", examples=["forever"])


class LastsFor(Entry):
    """A tier is kept for a time from when it was reached, or reached again."""

    kind: Literal["length"] = Field(description="For a length of time.", examples=["length"])
    length: Length = Field(description="How long.", examples=[{"months": 12}])


class LastsToEnd(Entry):
    """A tier is kept to the end of the window in which it was reached, or of a later one."""

    kind: Literal["window"] = Field(description="To the end of a window.", examples=["window"])
    more: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0, description="How many windows more: 1 is to the end of the next one.", examples=[1]
    )


TierValidity = Annotated[LastsForever | LastsFor | LastsToEnd, Field(discriminator="kind")]


class TierMultiplier(Entry):
    """More of what rules earn in a wallet."""

    wallet: Key = Field(description="Key of the wallet.", examples=["points"])
    factor: DecimalFactor = Field(description="More than 1, at most 100.", examples=["1.5"])


class TierDiscount(Entry):
    """A share off goods: what a cumulative discount card gives."""

    percent: Percent = Field(description="The share.", examples=["5%"])
    of: LineSelection | None = Field(
        default=None, description="The lines that it is taken off; all by default.", examples=[{"category": ["coffee"]}]
    )
    group: Key | None = Field(default=None, description="Promotion group in which it competes.", examples=["offers"])


class Privileges(Entry):
    """What a tier gives while a member is in it."""

    multipliers: Annotated[tuple[TierMultiplier, ...], Field(strict=False, max_length=20)] = Field(
        default=(), description="What its members earn more.", examples=[[{"wallet": "points", "factor": "1.5"}]]
    )
    discount: TierDiscount | None = Field(
        default=None, description="What its members get off.", examples=[{"percent": "5%"}]
    )
    entitlements: Annotated[tuple[Key, ...], Field(strict=False, max_length=MAX_ENTITLEMENTS)] = Field(
        default=(), description="What the shop does for its members.", examples=[["free_delivery", "early_access"]]
    )


class Tier(Entry):
    """One rung of a ladder."""

    key: Key = Field(description="How conditions and the API name the tier.", examples=["gold"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Gold"])
    at_least: Whole | None = Field(
        default=None,
        description="How much of the metric leads here; more than the tier below asks for. Without it nobody comes here "
        "by the metric.",
        examples=[50_000],
    )
    when: Condition | None = Field(
        default=None,
        description="Condition on order and member that leads here, too, whenever an order is placed.",
        examples=[{"fact": "member.attributes.employee", "is": True}],
    )
    plan: Key | None = Field(
        default=None,
        description="Plan whose members are here at least, as long as they are in it.",
        examples=["club"],
    )
    privileges: Privileges = Field(
        default=Privileges(), description="What it gives.", examples=[{"entitlements": ["free_delivery"]}]
    )


class TierSet(Entry):
    """A ladder of statuses. A member is in at most one tier of each."""

    key: Key = Field(description="How conditions and the API name the set.", examples=["status"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Status"])
    metric: TierMetric = Field(description="What counts.", examples=[{"kind": "spend"}])
    window: TierWindow = Field(
        description="Over which time it counts.", examples=[{"kind": "calendar", "unit": "year"}]
    )
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, min_length=1, max_length=MAX_TIERS)] = Field(
        description="The tiers, lowest first.",
        examples=[[{"key": "silver", "at_least": 20_000}, {"key": "gold", "at_least": 50_000}]],
    )
    lasts: TierValidity = Field(
        default=LastsForever(kind="forever"),
        description="How long a tier is kept.",
        examples=[{"kind": "window", "more": 1}],
    )
    downgrade: Literal["to_level", "one_level", "never"] = Field(
        default="to_level",
        description="Where a member goes whose tier ran out: to what the metric leads to by then, at most one tier down, "
        "or nowhere.",
        examples=["one_level"],
    )
    grace: Length | None = Field(
        default=None, description="How long a tier that ran out is still kept.", examples=[{"days": 30}]
    )
    returns: Literal["lower", "keep"] = Field(
        default="lower",
        description="Whether goods that come back can cost a member the tier that they led to, or only count at the next "
        "review.",
        examples=["keep"],
    )


def tiers_by_set(tier_sets: Iterable[TierSet]) -> Mapping[str, Sequence[str]]:
    """Return the keys of tiers, lowest first, by those of their sets."""
    return {tier_set.key: [tier.key for tier in tier_set.tiers] for tier_set in tier_sets}
