"""A member's amounts in one wallet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Balance:
    """Available, pending, held and owed points of one wallet; all are ≥ 0.

    ``expires_at`` is when everything available expires unless the member earns or spends before, in wallets whose expiry
    slides; None in others.
    """

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    expires_at: datetime | None = None

    def add(self, account: str, amount: int) -> "Balance":
        """Return the balance after ``amount`` (may be negative) reached an account of the member.

        Points that reach ``debt`` pay it back; points that leave it are owed. Program accounts change nothing here.
        """
        match account:
            case "available":
                return Balance(self.available + amount, self.pending, self.held, self.debt, self.expires_at)
            case "pending":
                return Balance(self.available, self.pending + amount, self.held, self.debt, self.expires_at)
            case "held":
                return Balance(self.available, self.pending, self.held + amount, self.debt, self.expires_at)
            case "debt":
                return Balance(self.available, self.pending, self.held, self.debt - amount, self.expires_at)
            case _:
                return self


EMPTY_BALANCE: Final = Balance()
