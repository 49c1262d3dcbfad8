"""Asks: what one request wants gather to read."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from loyalty_engine.core.engine.requests import OrderRef
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.referrals.guards import Fingerprint
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.tiers.lookback import Lookback

_EARLY: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TURNS: Final = 2**31 - 1
"""Below which number the turns of vouchers are drawn."""
_SPARE_VOUCHERS: Final = 15
"""How many vouchers are read beyond those that may be given, as rivals may be faster with some."""


@dataclass(frozen=True, slots=True)
class Returned:
    """An order of which goods come back: what the request calls it, and the natural key where that is a number."""

    order: OrderRef
    natural_key: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about beside the member that it names; the member of the first that is given is asked for.

    ``number`` is what a shop calls a return or a payment, ``operation_id`` what is to be reversed. ``is_other`` asks for the second
    member of that operation, or for the advocate of ``referral_id`` instead of the friend. ``tail`` is that of the member
    whose referral code it is.
    """

    redemption_id: UUID | None = None
    returned: tuple[Returned, ...] = ()
    number: str | None = None
    hold_id: UUID | None = None
    lot_id: UUID | None = None
    operation_id: UUID | None = None
    is_other: bool = False
    reservation_id: UUID | None = None
    referral_id: UUID | None = None
    tail: str | None = None

    def as_row(self) -> tuple[object, ...]:
        """Return the composite value ``subject_v7``."""
        orders = [found.order for found in self.returned]
        return (
            self.redemption_id,
            [order if isinstance(order, UUID) else None for order in orders] or None,
            [found.natural_key for found in self.returned] or None,
            self.number,
            self.hold_id,
            self.lot_id,
            self.operation_id,
            self.is_other,
            self.reservation_id,
            self.referral_id,
            self.tail,
        )


@dataclass(frozen=True, slots=True)
class ReferralWish:
    """What a request wants to know of who brought its member: a certain referral, or the one that is there.

    ``wants_ties`` asks for what ties the friend to others, with the ``fingerprints`` that the request brings; ``tail`` is
    the advocate's, for a friend that nobody has brought yet. ``may_prove``: what the request brings may speak for a
    referral; it happened ``proves_at`` that time, None: when the order was placed that it is about.
    """

    referral_id: UUID | None = None
    wants_ties: bool = False
    tail: str | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    may_prove: bool = False
    proves_at: datetime | None = None

    def as_row(self) -> tuple[object, ...]:
        """Return the composite value ``referral_ask_v7``."""
        return (
            self.referral_id,
            self.wants_ties,
            self.tail,
            [one.kind for one in self.fingerprints] or None,
            [one.digest for one in self.fingerprints] or None,
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """The keys under which gather finds everything a decision needs.

    The member is found by ``member_id``, else by ``identity``, else as the member of ``subject``; one that was merged into
    another is never found, the other stands for it. ``now`` is the program's clock: what is due by then makes gather read
    the member's lots and holds, as ``wants_lots`` does.
    ``identities`` are names whose owners the decision must know. ``order_id`` also fetches the order's content.
    ``history`` is which earlier orders of the member are read, ``counters`` which shared counters, and ``mark`` the kind
    of an activity with what the member may set once for it. ``codes`` are promo codes that were typed, ``pools`` keys of
    those out of which codes may be given, each as often as one may. ``lookback`` is what tier sets look at; without it nobody
    is told where the member is in them. ``referral`` asks for who brought the member, ``wants_plans`` for its memberships. ``other`` finds the second member of a
    request about two.
    """

    client_id: int
    scope: str
    key: str | None
    member_id: UUID | None = None
    identity: Identity | None = None
    identities: tuple[Identity, ...] | None = None
    natural_key: str | None = None
    order_id: UUID | None = None
    now: datetime = _EARLY
    wants_lots: bool = False
    wants_profile: bool = False
    history: HistoryRange | None = None
    counters: tuple[str, ...] = ()
    mark: tuple[str, str] | None = None
    subject: Subject | None = None
    codes: tuple[FoldedCode, ...] = ()
    pools: tuple[str, ...] = ()
    lookback: Lookback | None = None
    referral: ReferralWish | None = None
    wants_plans: bool = False
    other: "Ask | None" = field(default=None)

    def about(self, subject: Subject) -> "Ask":
        """Return the same ask about something beside its member, which is always about lots, too."""
        return replace(self, subject=subject, wants_lots=True)

    def codes_among(self, asks: int) -> int:
        """Return how many codes so many asks like this, decided one upon the other, may give out of one pool."""
        return max(map(self.pools.count, self.pools), default=0) * asks

    @property
    def is_plain(self) -> bool:
        """Whether it asks for no more than its member, the points, and what its key and number already did."""
        return not (
            self.wants_profile
            or self.counters
            or self.history
            or self.codes
            or self.pools
            or self.lookback
            or self.referral
            or self.wants_plans
            or self.subject
            or self.other
            or self.mark
            or self.order_id
            or self.identities
        )

    def as_plain_row(self, n: int) -> tuple[object, ...]:
        """Return the composite value ``plain_ask_v9``."""
        return (
            n,
            self.client_id,
            self.scope,
            self.key,
            self.member_id,
            self.identity,
            self.natural_key,
            self.now,
            self.wants_lots,
        )

    def as_row(self, n: int, asks: int) -> tuple[object, ...]:
        """Return the composite value ``ask_v7`` of one among so many ``asks``."""
        history = self.history
        kind, mark = self.mark or (None, None)
        return (
            n,
            self.client_id,
            self.scope,
            self.key,
            self.member_id,
            self.identity,
            self.identities,
            self.natural_key,
            self.order_id,
            self.now,
            self.wants_lots,
            self.wants_profile,
            history is not None,
            history is not None and history.with_lines,
            history.since if history else None,
            history.until if history else None,
            self.counters or None,
            kind,
            mark,
            self.subject.as_row() if self.subject else None,
            self.codes or None,
            self.pools or None,
            secrets.randbelow(_TURNS) if self.pools else None,
            _SPARE_VOUCHERS + self.codes_among(asks) if self.pools else None,
            None if self.lookback is None else _lookback_row(self.lookback),
            self.referral.as_row() if self.referral else None,
            self.wants_plans,
        )


def _lookback_row(lookback: Lookback) -> tuple[object, ...]:
    """Return the composite value ``lookback_v7``."""
    wallets = [wallet for wallet, _ in lookback.earned]
    days = [days for _, days in lookback.earned]
    return (
        lookback.days,
        lookback.with_lines,
        lookback.orders_at,
        lookback.earned_at,
        wallets or None,
        days or None,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What every first statement returns beside the facts: is the caller's key still good, which rules are current."""

    generation: int | None
    revision: int
