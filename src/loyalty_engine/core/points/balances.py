"""A member's amounts in one wallet."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Balance:
    """Available, pending, held and owed points of one wallet; all are ≥ 0."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0

    def add(self, account: str, amount: int) -> "Balance":
        """Return the balance after ``amount`` (may be negative) reached an account of the member.

        Points that reach ``debt`` pay it back; points that leave it are owed. Program accounts change nothing here.
        """
        match account:
            case "available":
                return replace(self, available=self.available + amount)
            case "pending":
                return replace(self, pending=self.pending + amount)
            case "held":
                return replace(self, held=self.held + amount)
            case "debt":
                return replace(self, debt=self.debt - amount)
            case _:
                return self


EMPTY_BALANCE: Final = Balance()
