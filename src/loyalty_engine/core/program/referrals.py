"""Referrals as people write them: who may recommend, who counts as a new friend, what qualifies, and what both get."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from loyalty_engine.core.program.conditions import Condition
from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.program.fields import MAX_TEXT, Entry, Key, Name, Positive, Whole
from loyalty_engine.core.program.lifetimes import Length

MAX_REFERRALS: Final = 10
MAX_REWARDS: Final = 10
MAX_RUNGS: Final = 20
CODE_SLOT: Final = "{code}"
"""What a link has where the advocate's code goes."""

Verdict = Literal["allow", "review", "reject"]


def _check_link(text: str) -> str:
    if text.count(CODE_SLOT) != 1 or not text.startswith(("https://", "http://")) or not text.isprintable():
        raise PydanticCustomError("malformed", "must be a web address with one {code} in it")
    if " " in text or set("{}") & set(text.replace(CODE_SLOT, "")):
        raise PydanticCustomError("malformed", "must have neither spaces nor other braces")
    return text


Link = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_check_link)]
"""A web address in which the advocate's code is filled in."""


class RewardPoints(Entry):
    """Points in a wallet."""

    kind: Literal["points"] = Field(description="Points.", examples=["points"])
    wallet: Key = Field(description="Key of the wallet.", examples=["points"])
    points: Positive = Field(description="How many.", examples=[500])


class RewardCode(Entry):
    """A promo code of one's own out of a pool."""

    kind: Literal["code"] = Field(description="A promo code.", examples=["code"])
    pool: Key = Field(description="Key of the pool that it comes out of.", examples=["welcome"])


Reward = Annotated[RewardPoints | RewardCode, Field(discriminator="kind")]
Rewards = Annotated[tuple[Reward, ...], Field(strict=False, max_length=MAX_REWARDS)]
SomeRewards = Annotated[tuple[Reward, ...], Field(strict=False, min_length=1, max_length=MAX_REWARDS)]


class QualifiesByOrder(Entry):
    """The friend buys something and keeps it."""

    kind: Literal["order"] = Field(description="An order.", examples=["order"])
    at_least: Whole = Field(
        default=0,
        description="How much of it must be left, in minor units of goods without what points paid.",
        examples=[3_000],
    )
    within: Length | None = Field(
        default=None,
        description="How long after registration it must be placed at the latest; by default there is no end.",
        examples=[{"days": 60}],
    )
    settles_after: Length | None = Field(
        default=None,
        description="How long it must stand before anybody is rewarded: as long as goods can come back. By default not "
        "at all.",
        examples=[{"days": 14}],
    )


class QualifiesByActivity(Entry):
    """The friend does something that is no purchase."""

    kind: Literal["activity"] = Field(description="An activity.", examples=["activity"])
    activity: Key = Field(description="Key of the kind of activity.", examples=["profile_completed"])
    within: Length | None = Field(
        default=None,
        description="How long after registration it must happen at the latest; by default there is no end.",
        examples=[{"days": 60}],
    )
    settles_after: Length | None = Field(
        default=None, description="How long it must stand before anybody is rewarded.", examples=[{"days": 7}]
    )


Qualification = Annotated[QualifiesByOrder | QualifiesByActivity, Field(discriminator="kind")]


class FriendTerms(Entry):
    """Who counts as a friend, and what a friend gets. Whoever ever ordered is none."""

    enrolled_within: Length | None = Field(
        default=None,
        description="How long ago the friend may have enrolled at the most; by default at any time.",
        examples=[{"days": 30}],
    )
    rewards: Rewards = Field(
        default=(),
        description="What a friend gets as soon as it counts.",
        examples=[[{"kind": "points", "wallet": "points", "points": 300}]],
    )


class Rung(Entry):
    """What an advocate gets per friend from a number of friends on."""

    from_friends: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1,
        description="From which friend on, counting those that count; rising from rung to rung.",
        examples=[5],
    )
    rewards: SomeRewards = Field(
        description="What the advocate gets for each of them.",
        examples=[[{"kind": "points", "wallet": "points", "points": 500}]],
    )


class ReferralLimit(Entry):
    """For how many friends an advocate is rewarded in a period."""

    friends: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="How many friends.", examples=[10])
    period: LimitPeriod = Field(
        default="lifetime", description="In which period of the programme's calendar.", examples=["month"]
    )


class AdvocateTerms(Entry):
    """Who may recommend, and what that brings."""

    when: Condition | None = Field(
        default=None,
        description="Condition on the member that recommends; by default everybody may.",
        examples=[{"fact": "member.orders", "at_least": 1}],
    )
    ladder: Annotated[tuple[Rung, ...], Field(strict=False, max_length=MAX_RUNGS)] = Field(
        default=(),
        description="What an advocate gets per friend, growing with their number.",
        examples=[[{"rewards": [{"kind": "points", "wallet": "points", "points": 500}]}]],
    )
    limits: Annotated[tuple[ReferralLimit, ...], Field(strict=False, max_length=5)] = Field(
        default=(),
        description="For how many friends there is a reward. Those beyond count, and are rewarded themselves.",
        examples=[[{"friends": 10, "period": "month"}]],
    )


class SharedWithAdvocate(Entry):
    """What becomes of a referral whose friend and advocate share something."""

    identity: Verdict = Field(default="reject", description="The same e-mail or phone.", examples=["reject"])
    payment: Verdict = Field(default="reject", description="The same means of payment.", examples=["review"])
    device: Verdict = Field(default="review", description="The same device.", examples=["reject"])
    address: Verdict = Field(default="review", description="The same postal address.", examples=["allow"])


class SharedWithMembers(Entry):
    """What becomes of a referral whose friend shares something with a member who is not the advocate."""

    identity: Verdict = Field(default="reject", description="The same e-mail or phone.", examples=["reject"])
    payment: Verdict = Field(default="review", description="The same means of payment.", examples=["reject"])
    device: Verdict = Field(default="review", description="The same device.", examples=["allow"])
    address: Verdict = Field(default="allow", description="The same postal address.", examples=["review"])


class ReferralGuards(Entry):
    """What is suspicious: it waits for somebody to look at it, or is rejected at once."""

    with_advocate: SharedWithAdvocate = Field(
        default=SharedWithAdvocate(),
        description="What friend and advocate may not share.",
        examples=[{"address": "allow"}],
    )
    with_members: SharedWithMembers = Field(
        default=SharedWithMembers(),
        description="What the friend may not share with another member: it may be an old customer, or one of many "
        "accounts of one person.",
        examples=[{"device": "allow"}],
    )
    per_day: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=20,
        description="More friends of one advocate on one day wait for a look; null: any number.",
        examples=[5],
    )


class ReferralEntry(Entry):
    """A referral programme: members bring friends."""

    key: Key = Field(description="How the API and conditions name it.", examples=["friends"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Friends"])
    link: Link | None = Field(
        default=None,
        description="Address that an advocate passes on; {code} stands for the code.",
        examples=["https://shop.example/welcome?by={code}"],
    )
    qualifies: Qualification = Field(
        description="What a friend must do.",
        examples=[{"kind": "order", "at_least": 3_000, "within": {"days": 60}, "settles_after": {"days": 14}}],
    )
    friend: FriendTerms = Field(
        default=FriendTerms(), description="The friend's side.", examples=[{"enrolled_within": {"days": 30}}]
    )
    advocate: AdvocateTerms = Field(
        default=AdvocateTerms(),
        description="The advocate's side.",
        examples=[{"ladder": [{"rewards": [{"kind": "points", "wallet": "points", "points": 500}]}]}],
    )
    guards: ReferralGuards = Field(
        default=ReferralGuards(), description="Guards against fraud.", examples=[{"per_day": 5}]
    )
