"""Points that a member brings from where they were kept before."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OpeningLot:
    """Points that a member brings from where they were kept before; ``points`` > 0.

    What is None is as if the wallet had issued them at ``earned_at``, which is now by default: their expiry, their cost
    in millionths of a minor unit, and the program as their funder.
    """

    wallet: str
    points: int
    earned_at: datetime | None = None
    expires_at: datetime | None = None
    cost_micros: int | None = None
    funder: str | None = None
