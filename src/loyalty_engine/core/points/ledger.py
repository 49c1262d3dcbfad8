"""A member's ledger: by which rules points come, and pay what is owed, and what that leaves in the balances.

It is kept in two ways. A :class:`~loyalty_engine.core.points.book.Book` writes everything down that an operation records;
a :class:`~loyalty_engine.core.points.tally.Tally` keeps balances only, for a look at what the operation would leave.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from loyalty_engine.core.points.balances import EMPTY_BALANCE, Balance
from loyalty_engine.core.points.lots import Aged
from loyalty_engine.core.points.postings import Account, ProgramAccount

LotT = TypeVar("LotT", bound=Aged)
"""What stands for points that came together."""


class LotTerms(NamedTuple):
    """What a new lot inherits from the wallet that issues it, or from the lot whose points it carries on."""

    funder: str
    cost_micros: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None


class Ledger(Generic[LotT]):
    """One member's ledger, opened for one operation at ``now``; it is mutable inside that."""

    __slots__ = ("_balances", "_before", "now")

    def __init__(self, balances: Mapping[str, Balance], now: datetime) -> None:
        self.now = now
        self._before = balances
        self._balances: dict[str, Balance] = {}

    def balance(self, wallet: str) -> Balance:
        """Return the member's balance in ``wallet`` as the ledger stands."""
        return self._balances.get(wallet) or self._before.get(wallet, EMPTY_BALANCE)

    def earn(self, wallet: str, amount: int, terms: LotTerms, *, source: ProgramAccount = "issued") -> LotT:
        """Credit a new lot of ``amount`` > 0 points and return it as it came; a debt in that wallet is paid out of it first.

        Points that come late, because they would have expired by now, pay a debt and are gone.
        """
        lot = self._enter(wallet, amount, terms)
        account: Account = "pending" if lot.is_pending(self.now) or lot.expires_waiting else "available"
        self._issue(lot, source, account, amount)
        if account == "available":
            self._pay_debt_with(lot)
        if lot.has_expired(self.now):
            self.expire_rest(lot, source=account)
        return lot

    def slide(self, wallet: str, expires_at: datetime | None) -> None:
        """Set when everything available in a wallet expires, in one whose expiry slides; None in others."""
        balance = self.balance(wallet)
        if balance.expires_at != expires_at:
            self._balances[wallet] = balance._replace(expires_at=expires_at)

    def move(self, wallet: str, source: Account, destination: Account, amount: int) -> Balance:
        """Move ``amount`` > 0 from one account to another as far as balances go; return the wallet's after it."""
        after = self.balance(wallet).add(source, -amount).add(destination, amount)
        self._balances[wallet] = after
        return after

    def payable_debt(self, wallet: str) -> int:
        """Return how much of a debt what is available pays at once, so that a clawback cannot be outrun."""
        balance = self.balance(wallet)
        return min(balance.debt, balance.available)

    @abstractmethod
    def pay(self, wallet: str, points: int) -> None:
        """Spend ``points`` > 0 on an order; the caller has checked the balance."""

    @abstractmethod
    def expire_rest(self, lot: LotT, *, source: Account = "available") -> None:
        """Take what is left of a lot that came just now out of the member's hands because it is too old."""

    @abstractmethod
    def _enter(self, wallet: str, amount: int, terms: LotTerms) -> LotT:
        """Make a new lot, full."""

    @abstractmethod
    def _issue(self, lot: LotT, source: ProgramAccount, account: Account, amount: int) -> None:
        """Move the points of a new lot from where they come to an account of the member."""

    @abstractmethod
    def _pay_debt_with(self, lot: LotT) -> None:
        """Pay a debt out of what is available, a new lot before others."""
