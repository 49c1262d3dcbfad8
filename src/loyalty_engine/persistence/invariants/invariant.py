"""What an invariant is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise. ``sql`` finds the rows that break it."""

    name: str
    promise: str
    sql: str
