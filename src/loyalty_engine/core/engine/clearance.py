"""Clearance: somebody looked at an order that waited for a review."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Clearance:
    """Somebody looked at an order and wants it booked, whatever its time. ``review_id`` is where that was decided.

    ``is_number_reused``: another receipt has its number, and both are to stand.
    """

    review_id: UUID
    is_number_reused: bool = False
