"""Holds: points set aside for a while. They end captured, voided or expired, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.points.lots import LotUse


@dataclass(frozen=True, slots=True)
class Hold:
    """Points that left their lots to be spent later, or to come back: ``uses`` tell which lots.

    It has the id of the operation that made it. It can be captured before ``expires_at``, not at it.
    """

    id: UUID
    wallet: str
    points: int
    expires_at: datetime
    uses: tuple[LotUse, ...]


@dataclass(frozen=True, slots=True)
class HoldEnd:
    """How a hold ended: ``captured`` of its points are spent, the rest went back. 0 when it was voided or expired."""

    hold_id: UUID
    captured: int
