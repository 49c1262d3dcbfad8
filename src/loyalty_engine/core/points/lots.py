"""Lots: points earned together, spent oldest expiry first, restored to where they came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that share their origin: when they can be spent, when they expire, who pays for them.

    ``cost_micros`` is the cost of one point in millionths of a minor unit, for the liability. ``funder`` is the
    party that bears it (``program`` or a partner). ``expires_at`` None means never.
    """

    id: UUID
    member_id: UUID
    wallet: str
    amount: int
    remaining: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None
    funder: str
    cost_micros: int
    operation_id: UUID

    def is_spendable(self, now: datetime) -> bool:
        """Tell whether its points count at ``now``, whether or not any job has run."""
        return self.available_at <= now and (self.expires_at is None or now < self.expires_at)


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
    uses: list[LotUse] = []
    missing = amount
    for lot in sorted((lot for lot in lots if lot.remaining > 0 and lot.is_spendable(now)), key=_spending_order):
        if missing == 0:
            break
        taken = min(lot.remaining, missing)
        uses.append(LotUse(lot.id, taken))
        missing -= taken
    if missing:
        message = f"lots cover {amount - missing} of {amount} points"
        raise AssertionError(message)
    return tuple(uses)


def reverse_uses(uses: Sequence[LotUse]) -> tuple[LotUse, ...]:
    """Return the uses that put everything back where it came from."""
    return tuple(LotUse(use.lot_id, -use.amount) for use in uses)


def _spending_order(lot: Lot) -> tuple[bool, datetime, datetime, UUID]:
    return (lot.expires_at is None, lot.expires_at or lot.earned_at, lot.earned_at, lot.id)
