"""What a member bought before, as far as the rules of a program ask for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from loyalty_engine.core.rules.order import Line

MOST_ORDERS: Final = 1_000
"""History looks at so many orders at most, the newest: a bound on what one request may make the database read."""


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One earlier order of the member. ``spend`` is what was paid for goods in minor units, less what points paid.

    ``lines`` are empty when no rule asks what was bought.
    """

    placed_at: datetime
    spend: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryRange:
    """Which earlier orders a decision reads: ``since`` (None: all) up to and with ``until``, with lines or without."""

    since: datetime | None
    until: datetime
    with_lines: bool
