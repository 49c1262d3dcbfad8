"""Referrals: who registers, what members pass on, what became of both sides, and what somebody says to it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.schemas.bringing import (
    BringingBody,
    FingerprintBody,
    FriendAnswer,
    GivenAnswer,
    ReferralReasonAnswer,
    as_fingerprints,
)
from loyalty_engine.api.schemas.fields import Answer, Body, MemberField, OperationHead, ReasonCode
from loyalty_engine.core.engine.referral_requests import RegisterReferral
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.referrals.codes import code_of, link_of
from loyalty_engine.core.referrals.guards import MOST_FINGERPRINTS, Fingerprint
from loyalty_engine.core.referrals.progress import Progress
from loyalty_engine.core.referrals.state import Given, Proof, Referral, state_at
from loyalty_engine.core.referrals.terms import ReferralTerms

_RFL: Final = "rfl_01m8054496erxvcc6weqy7k3j5"
_MEM: Final = "mem_01m8054496erxvcc6weqy7k3j5"
_ADVOCATE: Final = "mem_01m8054496erxvcc6weqy7k3k9"
_CODE: Final = "7K3J-5Q2M-9XWB"
_POINTS: Final = {"kind": "points", "wallet": "points", "points": 500}


class RegistrationBody(BringingBody):
    """A new friend, by whose code it came."""

    member: MemberField

    def as_request(self, call: Call, *, is_trusted: bool) -> RegisterReferral:
        """Return the core's request."""
        prints = as_fingerprints(self.fingerprints)
        return RegisterReferral(call, self.member, self.folded, self.programme, prints, is_trusted)


class RegistrationAnswer(FriendAnswer, OperationHead):
    """A friend that registered."""


class VerdictBody(Body):
    """What somebody says of a referral after a look."""

    verdict: Literal["approve", "reject"] = Field(
        description="approve: it counts, whatever is suspicious. reject: it does not, and what it gave is taken back.",
        examples=["approve"],
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["same_household"])


class WholeReferral(FriendAnswer):
    """Both sides of a referral."""

    advocate_id: str = Field(description="Who brought the friend.", examples=[_ADVOCATE])
    rewards: list[GivenAnswer] = Field(
        description="What both got.",
        examples=[[{"side": "advocate", "kind": "points", "wallet": "points", "points": 500}]],
    )


class VerdictAnswer(WholeReferral, OperationHead):
    """A referral after somebody looked at it."""

    reason: str | None = Field(description="The reason code given.", examples=["same_household"])


class ProofAnswer(Answer):
    """What a friend bought or did that counts, as long as it stands."""

    operation_id: str = Field(
        description="The order or activity, by its operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"]
    )
    happened_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    settles_at: str = Field(description="When it can come back no more.", examples=["2026-12-05T10:15:00Z"])
    counts: bool = Field(description="Whether the referral counts for this one.", examples=[True])

    @classmethod
    def of(cls, proof: Proof, referral: Referral) -> Self:
        """Show a proof of a referral."""
        return cls(
            operation_id=show_id("op", proof.id),
            happened_at=show_instant(proof.happened_at),
            settles_at=show_instant(proof.settles_at),
            counts=proof.id == referral.counts_for,
        )


class ReferralAnswer(WholeReferral):
    """A referral as it stands. Both members are shown as they were when the friend registered, whoever stands for them now."""

    verdict: Literal["approved", "rejected"] | None = Field(
        description="What somebody said who looked at it; null: nobody did.", examples=[None]
    )
    proofs: list[ProofAnswer] = Field(
        description="What the friend bought or did that counts, by when it settles.", examples=[[]]
    )

    @classmethod
    def of(cls, referral: Referral, now: datetime) -> Self:
        """Show a referral as it is at ``now``."""
        state, reasons = state_at(referral, now)
        settles_at = referral.settles_at
        return cls(
            id=show_id("rfl", referral.id),
            programme=referral.programme,
            friend_id=show_id("mem", referral.friend_id),
            advocate_id=show_id("mem", referral.advocate_id),
            state=state,
            reasons=[ReferralReasonAnswer(reason=one.why, fingerprint=one.fingerprint) for one in reasons],
            registered_at=show_instant(referral.registered_at),
            ends_at=None if referral.ends_at is None else show_instant(referral.ends_at),
            settles_at=None if settles_at is None else show_instant(settles_at),
            rewards=[_show_given(given) for given in referral.given],
            verdict=referral.verdict,
            proofs=[ProofAnswer.of(proof, referral) for proof in referral.proofs],
        )


def _show_given(given: Given) -> GivenAnswer:
    if given.code is not None:
        return GivenAnswer(side=given.side, kind="code", code=given.code)
    return GivenAnswer(side=given.side, kind="points", wallet=given.wallet, points=given.points)


class ReferralsQuery(PageQuery):
    """Which referrals are wanted."""

    state: Literal["registered", "in_review", "qualified", "rewarded", "rejected", "reversed"] | None = Field(
        default=None, description="Only those that are there now; in_review is the review list.", examples=["in_review"]
    )
    advocate: MemberField | None = Field(
        default=None, description="Only friends whom this member brought.", examples=["card:2000012345"]
    )
    friend: MemberField | None = Field(
        default=None, description="Only those in which this member is the friend.", examples=[_MEM]
    )
    programme: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Only those under this programme.", examples=["friends"]
    )


class ReferralsPage(Page[ReferralAnswer]):
    """Referrals, newest first."""


class FingerprintsBody(Body):
    """What a member was seen with."""

    fingerprints: Annotated[list[FingerprintBody], Field(min_length=1, max_length=MOST_FINGERPRINTS)] = Field(
        description="What the shop knows the member again by.",
        examples=[[{"kind": "device", "digest": "2c26b46b68ffc68ff99b453c1d304134"}]],
    )

    def as_fingerprints(self) -> tuple[Fingerprint, ...]:
        """Return each once."""
        return as_fingerprints(self.fingerprints)


class FingerprintsAnswer(OperationHead):
    """Fingerprints that were kept. What they are is never shown again."""

    fingerprints: int = Field(description="How many.", examples=[1])


class LinkAnswer(Answer):
    """How a member tells friends about a programme."""

    programme: str = Field(description="Key of the programme.", examples=["friends"])
    link: str | None = Field(
        description="The address to pass on; null: the programme has none.",
        examples=["https://shop.example/welcome?by=7K3J5Q2M9XWB"],
    )


class ReferralCodeAnswer(Answer):
    """A member's own code: it has had it from its first day on, and it never changes."""

    member_id: str = Field(description="The member.", examples=[_MEM])
    code: str = Field(description="The code to tell to friends.", examples=[_CODE])
    links: list[LinkAnswer] = Field(
        description="The same as an address, for each programme.",
        examples=[[{"programme": "friends", "link": "https://shop.example/welcome?by=7K3J5Q2M9XWB"}]],
    )

    @classmethod
    def of(cls, member_id: UUID, programmes: Iterable[ReferralTerms]) -> Self:
        """Show the code of a member."""
        links = [
            LinkAnswer(programme=terms.key, link=None if terms.link is None else link_of(terms.link, member_id))
            for terms in programmes
        ]
        return cls(member_id=show_id("mem", member_id), code=code_of(member_id), links=links)


class RewardAnswer(Answer):
    """What an advocate gets for a friend."""

    kind: Literal["points", "code"] = Field(description="Points, or a promo code.", examples=["points"])
    wallet: str | None = Field(default=None, description="Key of the wallet.", examples=["points"])
    points: int | None = Field(default=None, description="How many.", examples=[500])
    pool: str | None = Field(default=None, description="The pool that the code is from.", examples=[None])


class RungAnswer(Answer):
    """A rung of the ladder that an advocate climbs with its friends."""

    from_friends: int = Field(description="From which friend on.", examples=[5])
    missing: int = Field(description="How many friends are missing before the first that this is for.", examples=[1])
    rewards: list[RewardAnswer] = Field(description="What each friend brings there.", examples=[[_POINTS]])


class FriendsLimitAnswer(Answer):
    """For how many friends there is a reward."""

    friends: int = Field(description="How many in the period.", examples=[10])
    period: LimitPeriod = Field(description="The period.", examples=["month"])
    used: int = Field(description="For how many there was one in the current period.", examples=[2])
    left: int = Field(description="For how many more there is.", examples=[8])


class ProgrammeAnswer(Answer):
    """How far an advocate is in one programme."""

    programme: str = Field(description="Key of the programme.", examples=["friends"])
    friends: int = Field(description="Friends that count: rewarded or qualified.", examples=[3])
    rewards: list[RewardAnswer] = Field(description="What the next friend brings.", examples=[[_POINTS]])
    next_rung: RungAnswer | None = Field(
        description="The next rung above that; null: there is none.",
        examples=[{"from_friends": 5, "missing": 1, "rewards": [_POINTS]}],
    )
    limits: list[FriendsLimitAnswer] = Field(
        description="The limits of rewards.", examples=[[{"friends": 10, "period": "month", "used": 2, "left": 8}]]
    )

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """Show how far an advocate is."""
        rung = progress.next_rung
        return cls(
            programme=progress.programme,
            friends=progress.friends,
            rewards=[RewardAnswer(**reward.model_dump()) for reward in progress.rewards],
            next_rung=None
            if rung is None
            else RungAnswer(
                from_friends=rung.from_friends,
                missing=rung.missing,
                rewards=[RewardAnswer(**reward.model_dump()) for reward in rung.rewards],
            ),
            limits=[
                FriendsLimitAnswer(
                    friends=one.friends, period=one.period, used=one.used, left=max(one.friends - one.used, 0)
                )
                for one in progress.limits
            ],
        )


class MemberReferralsPage(Page[ReferralAnswer]):
    """The friends of a member, newest first, and how far it is with them."""

    member_id: str = Field(description="The advocate.", examples=[_ADVOCATE])
    code: str = Field(description="Its code.", examples=[_CODE])
    programmes: list[ProgrammeAnswer] = Field(
        description="How far it is, by programme.",
        examples=[[{"programme": "friends", "friends": 3, "rewards": [_POINTS], "next_rung": None, "limits": []}]],
    )
    brought_by: ReferralAnswer | None = Field(
        description="The referral in which it is the friend itself; null: nobody brought it.", examples=[None]
    )
