"""What comes along with a new friend: whose code it has, what the shop knows it again by, and what a checkout is told of it."""

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from loyalty_engine.api.schemas.codes import TypedCode
from loyalty_engine.api.schemas.fields import Answer, Body, Code
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.guards import MOST_FINGERPRINTS, Fingerprint
from loyalty_engine.core.referrals.state import FingerprintKind, State

_RFL: Final = "rfl_01m8054496erxvcc6weqy7k3j5"
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_FINGERPRINTS: Final = [{"kind": "payment", "digest": _DIGEST}]

Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/=_:.-]{16,128}$")]


class FingerprintBody(Body):
    """Something by which a person is known again. Never the thing itself: a digest that the shop makes with a secret of its own,
    always in the same way.
    """

    kind: FingerprintKind = Field(description="What it is of.", examples=["payment"])
    digest: Digest = Field(description="16 to 128 characters, such as an HMAC-SHA-256 in hex.", examples=[_DIGEST])

    def as_fingerprint(self) -> Fingerprint:
        """Return the core's fingerprint."""
        return Fingerprint(self.kind, self.digest)


Fingerprints = Annotated[list[FingerprintBody], Field(max_length=MOST_FINGERPRINTS)]


def as_fingerprints(bodies: list[FingerprintBody]) -> tuple[Fingerprint, ...]:
    """Return each fingerprint once."""
    return tuple(dict.fromkeys(body.as_fingerprint() for body in bodies))


class BringingBody(Body):
    """By whose code a friend came, and under which programme."""

    code: TypedCode = Field(
        description="The advocate's code as the friend typed it: case, spaces and hyphens do not matter.",
        examples=["7K3J-5Q2M-9XWB"],
    )
    programme: Code | None = Field(
        default=None, description="The programme's key; needed where there are several.", examples=["friends"]
    )
    fingerprints: Fingerprints = Field(
        default_factory=list, description="What the shop knows the friend again by.", examples=[_FINGERPRINTS]
    )

    @property
    def folded(self) -> FoldedCode:
        """The code as it is compared. A text that no code can be stays as it is: nobody has it."""
        return fold_code(self.code) or FoldedCode(self.code)

    def as_bringing(self, *, is_trusted: bool) -> Bringing:
        """Return what the core knows of it."""
        return Bringing(self.folded, self.programme, as_fingerprints(self.fingerprints), is_trusted)


class ReferralReasonAnswer(Answer):
    """Why a referral is where it is."""

    reason: str = Field(
        description="Stable code: shared_with_advocate, shared_with_member, cycle, too_many_a_day, ordered_before, same_member, "
        "friend_blocked, advocate_blocked, programme_gone, not_in_time, came_back, by_review, limit_reached, no_code_left or "
        "no_code_for_advocate. Answers to friends leave out what concerns the advocate alone.",
        examples=["shared_with_advocate"],
    )
    fingerprint: FingerprintKind | None = Field(
        default=None, description="What is shared, for reasons that speak of that.", examples=["device"]
    )


class GivenAnswer(Answer):
    """One thing that a side was rewarded with."""

    side: str = Field(description="friend or advocate.", examples=["friend"])
    kind: str = Field(description="points or code.", examples=["points"])
    wallet: str | None = Field(default=None, description="Key of the wallet, for points.", examples=["points"])
    points: int | None = Field(default=None, description="How many.", examples=[300])
    code: str | None = Field(default=None, description="The promo code, for one.", examples=[None])


class FriendAnswer(Answer):
    """A friend's side of its referral. Whose code it was, and what that one gets, is not told here."""

    id: str = Field(description="The referral.", examples=[_RFL])
    programme: str = Field(description="Key of its programme.", examples=["friends"])
    friend_id: str = Field(description="The friend.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    state: State = Field(description="Where it is; see the page about referrals.", examples=["registered"])
    reasons: list[ReferralReasonAnswer] = Field(description="Why it is there, if that is not plain.", examples=[[]])
    registered_at: str = Field(description="When the friend registered.", examples=["2026-11-21T10:15:00Z"])
    ends_at: str | None = Field(
        description="Until when something must happen to count; null: without end.", examples=["2027-01-20T10:15:00Z"]
    )
    settles_at: str | None = Field(
        description="When it counts, as things stand; null: nothing speaks for it, or it counts already.",
        examples=["2026-12-05T10:15:00Z"],
    )
    rewards: list[GivenAnswer] = Field(description="What the friend got.", examples=[[]])


class ReferralOfCart(Answer):
    """What became of a friend along with a cart or anything else; with ``refused`` it is none, and the cart stands all the same."""

    id: str | None = Field(default=None, description="The referral; left out of looks.", examples=[_RFL])
    programme: str | None = Field(default=None, description="Key of its programme.", examples=["friends"])
    friend_id: str | None = Field(default=None, description="The friend.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    state: State | None = Field(description="Where it is; null: there is none.", examples=["registered"])
    reasons: list[ReferralReasonAnswer] = Field(
        default_factory=list, description="Why it is there, if that is not plain.", examples=[[]]
    )
    registered_at: str | None = Field(
        default=None, description="When the friend registered.", examples=["2026-11-21T10:15:00Z"]
    )
    ends_at: str | None = Field(
        default=None, description="Until when something must happen to count.", examples=["2027-01-20T10:15:00Z"]
    )
    settles_at: str | None = Field(
        default=None, description="When it counts, as things stand.", examples=["2026-12-05T10:15:00Z"]
    )
    rewards: list[GivenAnswer] = Field(default_factory=list, description="What the friend got.", examples=[[]])
    refused: str | None = Field(
        default=None,
        description="Why the friend is not registered: the code of the problem that registering it would answer.",
        examples=["referral_code_not_found"],
    )
    details: dict[str, Any] | None = Field(
        default=None, description="Details of that problem.", examples=[{"orders": 3}]
    )


class MovesReferral(Answer):
    """An answer that may tell of its member's referral."""

    referral: ReferralOfCart | None = Field(
        default=None,
        description="The referral in which the member is the friend, if one came along or changed with this; left out if not.",
        examples=[{"state": "registered", "reasons": []}],
    )
