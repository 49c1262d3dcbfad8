"""A member's amounts in one wallet."""

from dataclasses import dataclass
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
                return Balance(self.available + amount, self.pending, self.held, self.debt)
            case "pending":
                return Balance(self.available, self.pending + amount, self.held, self.debt)
            case "held":
                return Balance(self.available, self.pending, self.held + amount, self.debt)
            case "debt":
                return Balance(self.available, self.pending, self.held, self.debt - amount)
            case _:
                return self


EMPTY_BALANCE: Final = Balance()
