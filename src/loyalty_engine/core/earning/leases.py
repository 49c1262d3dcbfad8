"""Leases: what reservations hold of a member's own limits. They stand among its counters, each until it runs out.

A lease that ran out counts no more, whether or not it is still there: nothing has to run for that.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_MARK: Final = "reserved/"
_STAMPED: Final = len(f"{_MARK}20260601T120000Z")
_LENGTH: Final = _STAMPED + len("/00000000000000000000000000000000/")


def lease_of(counter: str, until: datetime, reservation_id: UUID) -> str:
    """Return the name under which a reservation's lease of ``counter`` stands that runs out at ``until``, a full second."""
    return f"{_stamp(until)}/{reservation_id.hex}/{counter}"


def find_leases(counters: Iterable[str]) -> list[str]:
    """Return the names of leases among those of a member's counters."""
    return [name for name in counters if name.startswith(_MARK)]


def is_over(lease: str, now: datetime) -> bool:
    """Tell whether a lease of that name has run out."""
    return lease[:_STAMPED] <= _stamp(now)


def with_leases(counters: Mapping[str, int], now: datetime) -> Mapping[str, int]:
    """Return a member's counters with what is leased of each at ``now`` as if it were used, and without the leases."""
    leases = find_leases(counters) if counters else ()
    if not leases:
        return counters
    used = {name: amount for name, amount in counters.items() if not name.startswith(_MARK)}
    for name in leases:
        if not is_over(name, now):
            counter = name[_LENGTH:]
            used[counter] = used.get(counter, 0) + counters[name]
    return used


def _stamp(at: datetime) -> str:
    return f"{_MARK}{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
