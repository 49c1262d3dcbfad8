"""Lots: points earned together, spent nearest expiry first, restored to where they came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class Aged:
    """Points of a wallet that were earned together: when they can be spent, and when they count no more.

    ``available_at`` None means that they wait to be confirmed, ``expires_at`` None that they have no expiry of their own.
    """

    __slots__ = ()

    wallet: str
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None

    def is_pending(self, now: datetime) -> bool:
        """Tell whether the points cannot be spent yet at ``now``."""
        return self.available_at is None or now < self.available_at

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the points count no more at ``now``, whether or not any job has run."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def expires_waiting(self) -> bool:
        """Whether the points can never be spent, because they expire before they could."""
        return self.expires_at is not None and (self.available_at is None or self.expires_at <= self.available_at)

    def is_spendable(self, now: datetime) -> bool:
        """Tell whether the points count at ``now``, whether or not any job has run."""
        return not self.is_pending(now) and not self.has_expired(now)


@dataclass(frozen=True, slots=True)
class Lot(Aged):
    """Points that share their origin: when they can be spent, when they expire, who pays for them.

    ``cost_micros`` is the cost of one point in millionths of a minor unit, for the liability. ``funder`` is the
    party that bears it (``program`` or a partner). ``expired`` of its points are gone because of their age.
    ``carries_on`` is the lot of a merged member whose points it holds; known only where a request is about that one.
    """

    id: UUID
    member_id: UUID
    wallet: str
    amount: int
    remaining: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    funder: str
    cost_micros: int
    operation_id: UUID
    expired: int = 0
    carries_on: UUID | None = None

    def next_due(self, now: datetime) -> datetime | None:
        """Return when time next changes what its points are, after ``now``; None when it never does."""
        moments = [at for at in (self.available_at, self.expires_at) if at is not None and at > now]
        return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class LotUse:
    """How much an operation took out of a lot; negative where it put points back."""

    lot_id: UUID
    amount: int


def plan_spending(lots: Iterable[Lot], amount: int, now: datetime) -> tuple[LotUse, ...]:
    """Return the uses that pay ``amount``: nearest expiry first, then earliest earned, then id.

    The caller has checked the balance; when the lots cannot cover it the ledger itself is broken, and a lot that
    is missing must stop the operation, not bend it.
    """
    spendable = sorted((lot for lot in lots if lot.is_spendable(now)), key=spending_order)
    uses, missing = take_in_order(spendable, amount)
    if missing:
        message = f"lots cover {amount - missing} of {amount} points"
        raise AssertionError(message)
    return uses


def take_in_order(lots: Iterable[Lot], amount: int) -> tuple[tuple[LotUse, ...], int]:
    """Return the uses that take ``amount`` out of ``lots`` one after the other, and how much they could not cover."""
    uses: list[LotUse] = []
    missing = amount
    for lot in lots:
        if missing == 0:
            break
        taken = min(lot.remaining, missing)
        if taken:
            uses.append(LotUse(lot.id, taken))
            missing -= taken
    return tuple(uses), missing


def reverse_uses(uses: Sequence[LotUse]) -> tuple[LotUse, ...]:
    """Return the uses that put everything back where it came from."""
    return tuple(LotUse(use.lot_id, -use.amount) for use in uses)


def spending_order(lot: Lot) -> tuple[bool, datetime, datetime, UUID]:
    """Return the key by which lots are spent: nearest expiry, then earliest earned, then id."""
    return (lot.expires_at is None, lot.expires_at or lot.earned_at, lot.earned_at, lot.id)
