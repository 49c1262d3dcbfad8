"""Plans as people write them: memberships that members pay for, what they give, and what happens at their end."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field

from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.program.fields import Entry, Key, Name
from loyalty_engine.core.program.lifetimes import Length
from loyalty_engine.core.program.tiers import Privileges

MAX_PLANS: Final = 50

Price = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]


class NoRefund(Entry):
    """Nothing is given back."""

    kind: Literal["none"] = Field(description="Nothing.", examples=["none"])


class ProratedRefund(Entry):
    """What was paid for time that is left is given back, rounded down to minor units."""

    kind: Literal["prorated"] = Field(description="The share of the time that is left.", examples=["prorated"])


class FullRefund(Entry):
    """All of a payment is given back for some time, and nothing afterwards."""

    kind: Literal["full"] = Field(description="All of it, for some time.", examples=["full"])
    within: Length = Field(description="For how long after the payment.", examples=[{"days": 14}])


PlanRefund = Annotated[NoRefund | ProratedRefund | FullRefund, Field(discriminator="kind")]


class PlanEntry(Entry):
    """A membership that members pay for, term by term. A member may be in several plans."""

    key: Key = Field(description="How conditions and the API name the plan.", examples=["club"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Club"])
    price: Price = Field(
        description="What one term costs, in minor units. 0 only for a plan that can be tried: it has no more than a trial.",
        examples=[4_900],
    )
    term: Length = Field(description="For how long a payment pays.", examples=[{"months": 12}])
    grace: Length | None = Field(
        default=None,
        description="How long a membership that was not renewed goes on; a payment in that time extends it from where it "
        "was paid to.",
        examples=[{"days": 14}],
    )
    trial: Length | None = Field(
        default=None,
        description="For how long a member may have it first without paying, once; without grace.",
        examples=[{"days": 30}],
    )
    privileges: Privileges = Field(
        default=Privileges(), description="What it gives.", examples=[{"entitlements": ["free_delivery"]}]
    )
    refund: PlanRefund = Field(
        default=NoRefund(kind="none"),
        description="What is given back when a membership ends at once, or a payment is taken back.",
        examples=[{"kind": "prorated"}],
    )
    cancels: Literal["at_end", "at_once"] = Field(
        default="at_end",
        description="When a membership that is cancelled ends, unless the call says otherwise: when what was paid for is "
        "over, without grace, or at once.",
        examples=["at_end"],
    )
    overpaid: Literal["refuse", "accept"] = Field(
        default="refuse",
        description="Whether a payment of more than the price is accepted for one term. One of less never is.",
        examples=["refuse"],
    )
    sold: bool = Field(
        default=True,
        description="Whether members may join. Those who are in the plan can renew it all the same.",
        examples=[True],
    )
    activity: Key | None = Field(
        default=None,
        description="Kind of activity that reports a payment, too: its subject is the payment's id, its attribute amount "
        "what was paid.",
        examples=["club_paid"],
    )


def keys_of(plans: Iterable[PlanEntry]) -> tuple[str, ...]:
    """Return the keys of plans."""
    return tuple(plan.key for plan in plans)
