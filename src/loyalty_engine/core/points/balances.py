"""A member's amounts in one wallet."""

from datetime import datetime
from typing import Final, NamedTuple

from loyalty_engine.core.kernel.tuples import new


class Balance(NamedTuple):
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
        available, pending, held, debt, expires_at = self
        match account:
            case "available":
                return new(Balance, (available + amount, pending, held, debt, expires_at))
            case "pending":
                return new(Balance, (available, pending + amount, held, debt, expires_at))
            case "held":
                return new(Balance, (available, pending, held + amount, debt, expires_at))
            case "debt":
                return new(Balance, (available, pending, held, debt - amount, expires_at))
            case _:
                return self


EMPTY_BALANCE: Final = Balance()
