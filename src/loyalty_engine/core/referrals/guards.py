"""Guards against fraud: what a friend shares with whom, circles of friends, and too many at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple
from uuid import UUID

from loyalty_engine.core.program.referrals import ReferralGuards, Verdict
from loyalty_engine.core.referrals.state import FingerprintKind, Reason, Referral

Finding = Literal["review", "reject"]

MOST_FINGERPRINTS: Final = 20
"""How many fingerprints one request may bring."""


class Fingerprint(NamedTuple):
    """Something by which a person is known again: a digest that the shop makes, always in the same way."""

    kind: FingerprintKind
    digest: str


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties a friend to others. ``sharing`` tells which other members were seen with one of its fingerprints, by kind;
    ``upline`` who brought the advocate, who brought that one, and so on, as far as these referrals were not rejected.
    """

    sharing: Mapping[FingerprintKind, frozenset[UUID]] = field(default_factory=dict)
    upline: tuple[UUID, ...] = ()


NO_TIES: Final = Ties()


def find_suspicions(guards: ReferralGuards, referral: Referral, ties: Ties) -> dict[Reason, Finding]:
    """Return what speaks against a referral, and what each of it leads to."""
    found: dict[Reason, Finding] = {}
    if referral.friend_id in (referral.advocate_id, *ties.upline):
        found[Reason("cycle")] = "reject"
    shared = {reason: verdict for reason, verdict in _shared(guards, referral, ties) if verdict != "allow"}
    return {**found, **shared}


def _shared(guards: ReferralGuards, referral: Referral, ties: Ties) -> Iterator[tuple[Reason, Verdict]]:
    """Yield what the friend shares with the advocate, and with members who are neither of them."""
    for kind, owners in ties.sharing.items():
        others = owners - {referral.friend_id}
        if referral.advocate_id in others:
            yield Reason("shared_with_advocate", kind), _verdict(guards, "with_advocate", kind)
        if others - {referral.advocate_id}:
            yield Reason("shared_with_member", kind), _verdict(guards, "with_members", kind)


def _verdict(guards: ReferralGuards, whom: Literal["with_advocate", "with_members"], kind: FingerprintKind) -> Verdict:
    shared = guards.with_advocate if whom == "with_advocate" else guards.with_members
    match kind:
        case "identity":
            return shared.identity
        case "payment":
            return shared.payment
        case "device":
            return shared.device
        case "address":
            return shared.address
