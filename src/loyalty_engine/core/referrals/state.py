"""What a referral is and becomes: pure transitions, each from what is known to what is known then.

    invited ──► registered ──► qualified | rewarded ──► reversed ──► rewarded
                  │    ▲              (the goods came back)   (it bought again)
                  ▼    │
               in_review ──► rejected

A friend is invited as long as only its advocate's code is out: nobody knows of it. What it buys or does later is kept as
:class:`Proof`; which of these stand decides, never the order in which they were heard of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from loyalty_engine.core.kernel.codes import FoldedCode

State = Literal["invited", "registered", "in_review", "qualified", "rewarded", "rejected", "reversed"]

FingerprintKind = Literal["identity", "payment", "device", "address"]

Why = Literal[
    "shared_with_advocate",
    "shared_with_member",
    "cycle",
    "too_many_a_day",
    "ordered_before",
    "same_member",
    "friend_blocked",
    "advocate_blocked",
    "programme_gone",
    "not_in_time",
    "came_back",
    "by_review",
    "limit_reached",
    "no_code_left",
    "no_code_for_advocate",
]

MOST_PROOFS: Final = 20
"""How many orders or activities of a friend are kept that could count; more are not needed, as one is enough."""

CHECKOUT: Final = timedelta(hours=1)
"""How long before the registration what counts may have happened: a checkout that was begun before it."""

_OF_ADVOCATE: Final = frozenset({"advocate_blocked", "limit_reached", "no_code_for_advocate"})
"""What concerns the advocate alone: friends learn nothing of it."""

_OPEN: Final = ("registered", "reversed")
_COUNTED: Final = ("qualified", "rewarded")


class Reason(NamedTuple):
    """Why a referral is where it is. ``fingerprint`` is the kind of what is shared, for reasons that speak of that."""

    why: Why
    fingerprint: FingerprintKind | None = None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"reason": self.why}
        return shown if self.fingerprint is None else {**shown, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a friend bought or did that counts: an order or an activity. Unless it comes back it is settled at ``settles_at``."""

    id: UUID
    happened_at: datetime
    settles_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that a side was rewarded with: points of a lot, or a promo code."""

    side: Literal["friend", "advocate"]
    wallet: str | None = None
    points: int = 0
    lot_id: UUID | None = None
    code: FoldedCode | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """The link between a friend and who brought it, once for each friend.

    ``programme`` is the key of its terms. Only what happens until ``ends_at`` counts, None: without end. ``verdict`` is
    what a person said of it. ``proofs`` are kept by when they are settled; ``counts_for`` is the one that it counts for.
    ``given`` and ``counters`` (of the advocate) are what the rewards brought and took, to be taken back exactly.
    """

    id: UUID
    programme: str
    friend_id: UUID
    advocate_id: UUID
    registered_at: datetime
    ends_at: datetime | None = None
    state: State = "registered"
    reasons: tuple[Reason, ...] = ()
    verdict: Literal["approved", "rejected"] | None = None
    proofs: tuple[Proof, ...] = ()
    counts_for: UUID | None = None
    given: tuple[Given, ...] = ()
    counters: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the friend is one of those that count for the advocate."""
        return self.state in _COUNTED

    @property
    def settles_at(self) -> datetime | None:
        """From when on it counts, as things stand; None: it does already, or nothing speaks for it."""
        if self.state not in _OPEN or not self.proofs:
            return None
        return self.proofs[0].settles_at

    def is_due(self, now: datetime) -> bool:
        """Tell whether it counts by now, but nobody has booked that."""
        settles_at = self.settles_at
        return settles_at is not None and settles_at <= now


def state_at(referral: Referral, now: datetime) -> tuple[State, tuple[Reason, ...]]:
    """Return where a referral is at ``now``, and why: one for which the time is over is rejected without anybody booking it."""
    if referral.state in ("registered", "in_review") and not referral.proofs and _is_over(referral, now):
        return "rejected", (Reason("not_in_time"),)
    return referral.state, referral.reasons


def tell_friend(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return those of the reasons that a friend may know."""
    return tuple(reason for reason in reasons if reason.why not in _OF_ADVOCATE)


def suspect(referral: Referral, found: Mapping[Reason, Literal["review", "reject"]]) -> Referral:
    """Return the referral after what was found suspicious about it; what a person approved is not looked at again."""
    if not found or referral.verdict is not None:
        return referral
    state: State = "rejected" if "reject" in found.values() else "in_review"
    return replace(referral, state=state, reasons=tuple(sorted(found, key=_by_name)))


def prove(referral: Referral, proof: Proof) -> Referral:
    """Return the referral with a proof more, or with one that is told anew. One that came too late, or early, is none."""
    others = tuple(known for known in referral.proofs if known.id != proof.id)
    if proof.happened_at < referral.registered_at - CHECKOUT or _is_over(referral, proof.happened_at):
        return disprove(referral, proof.id)
    if len(others) >= MOST_PROOFS:
        return referral
    proofs = tuple(sorted((*others, proof), key=lambda one: (one.settles_at, one.id)))
    counts_for = proofs[0].id if referral.counts and referral.counts_for is None else referral.counts_for
    return replace(referral, proofs=proofs, counts_for=counts_for)


def doubt(referral: Referral, placed_at: datetime) -> Referral:
    """Return the referral after an order was heard of: one from before the registration means that the friend was not new."""
    is_earlier = placed_at < referral.registered_at - CHECKOUT
    if not is_earlier or referral.state not in _OPEN:
        return referral
    return suspect(referral, {Reason("ordered_before"): "review"})


def disprove(referral: Referral, proof_id: UUID) -> Referral:
    """Return the referral without a proof: the goods came back. If it counts, it counts for another one from now on.

    When it counts for none any more, ``counts_for`` is None; its state is left to who takes the rewards back.
    """
    proofs = tuple(known for known in referral.proofs if known.id != proof_id)
    if referral.counts_for != proof_id:
        return replace(referral, proofs=proofs)
    return replace(referral, proofs=proofs, counts_for=proofs[0].id if proofs else None)


def count(
    referral: Referral, given: tuple[Given, ...], counters: tuple[str, ...], reasons: tuple[Reason, ...]
) -> Referral:
    """Return a due referral once it counts: rewarded, or only qualified if nothing was given."""
    return replace(
        referral,
        state="rewarded" if given else "qualified",
        reasons=tuple(sorted(reasons, key=_by_name)),
        counts_for=referral.proofs[0].id,
        given=given,
        counters=counters,
    )


def reverse(referral: Referral, why: Why) -> Referral:
    """Return a referral that counted and counts no more, with nothing given."""
    state: State = "rejected" if referral.verdict == "rejected" else "reversed"
    return replace(referral, state=state, reasons=(Reason(why),), counts_for=None, given=(), counters=())


def approve(referral: Referral) -> Referral:
    """Return a referral that a person found good, whatever is suspicious about it."""
    return replace(referral, state="registered", reasons=(), verdict="approved")


def reject(referral: Referral) -> Referral:
    """Return a referral that does not count and that a person found bad; only a person can take that back."""
    return replace(referral, state="rejected", reasons=(Reason("by_review"),), verdict="rejected")


def give_up(referral: Referral, why: Why) -> Referral:
    """Return a referral that can never count."""
    return replace(referral, state="rejected", reasons=(Reason(why),))


def set_aside(referral: Referral, reasons: tuple[Reason, ...]) -> Referral:
    """Return a referral that somebody has to look at before it counts, even if one did before."""
    return replace(referral, state="in_review", reasons=reasons, verdict=None)


def _is_over(referral: Referral, at: datetime) -> bool:
    return referral.ends_at is not None and at >= referral.ends_at


def _by_name(reason: Reason) -> tuple[str, str]:
    return reason.why, reason.fingerprint or ""
