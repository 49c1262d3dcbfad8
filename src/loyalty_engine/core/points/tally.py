"""The tally: a ledger that keeps balances only, for a look at what an operation would leave."""

from collections.abc import Mapping

from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.ledger import Ledger, LotTerms
from loyalty_engine.core.points.lots import Aged
from loyalty_engine.core.points.postings import Account, ProgramAccount


class Arrival(Aged):
    """Points that came together, of which ``left`` are still there."""

    __slots__ = ("available_at", "earned_at", "expires_at", "left", "wallet")

    def __init__(self, wallet: str, amount: int, terms: LotTerms) -> None:
        self.wallet = wallet
        self.left = amount
        _, _, self.earned_at, self.available_at, self.expires_at = terms


class Tally(Ledger[Arrival]):
    """Moves points as a book does, and writes nothing down."""

    __slots__ = ()

    @property
    def changed(self) -> Mapping[str, Balance]:
        """The balances of the wallets that changed."""
        return self._balances

    def pay(self, wallet: str, points: int) -> None:
        self.move(wallet, "available", "redeemed", points)

    def expire_rest(self, lot: Arrival, *, source: Account = "available") -> None:
        if lot.left:
            self.move(lot.wallet, source, "expired", lot.left)
            lot.left = 0

    def _enter(self, wallet: str, amount: int, terms: LotTerms) -> Arrival:
        return Arrival(wallet, amount, terms)

    def _issue(self, lot: Arrival, source: ProgramAccount, account: Account, amount: int) -> None:
        self.move(lot.wallet, source, account, amount)

    def _pay_debt_with(self, lot: Arrival) -> None:
        payment = self.payable_debt(lot.wallet)
        if payment:
            lot.left -= min(lot.left, payment)
            self.move(lot.wallet, "available", "debt", payment)
