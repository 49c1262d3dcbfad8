"""What can be asked of the engine about referrals."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from loyalty_engine.core.engine.requests import Call, MemberRef
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.referrals.guards import Fingerprint


@dataclass(frozen=True, slots=True)
class RegisterReferral:
    """``member`` is a friend who came with an advocate's ``code``, at sign-up or before its first order.

    ``programme`` None means the only one that there is. ``fingerprints`` are what the shop knows the friend again by.
    ``is_trusted``: the caller may know anyway whose code it is, so it guesses none.
    """

    call: Call
    member: MemberRef
    code: FoldedCode
    programme: str | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class SeeFingerprints:
    """The shop saw a member with these: an advocate at any time, or a friend after it registered."""

    call: Call
    member: MemberRef
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class ReviewReferral:
    """Somebody looked at a referral. One that is rejected gives back what it gave, until somebody approves it after all."""

    call: Call
    referral_id: UUID
    verdict: Literal["approve", "reject"]
    reason: str


@dataclass(frozen=True, slots=True)
class RewardReferral:
    """A referral has stood for its time: both sides are rewarded. Asked by the worker, and harmless at any time."""

    call: Call
    referral_id: UUID


ReferralRequest = RegisterReferral | SeeFingerprints | ReviewReferral | RewardReferral
