"""The tally: a book that keeps balances only, for a look at what an operation would leave."""

from collections.abc import Mapping
from uuid import UUID

from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.postings import Account


class Tally(Book):
    """Moves points as a book does, by the same methods, and writes no postings."""

    @property
    def changed(self) -> Mapping[str, Balance]:
        """The balances of the wallets that changed."""
        return self._balances

    def post(
        self,
        wallet: str,
        source: Account,
        destination: Account,
        amount: int,
        *,
        lot_id: UUID | None = None,  # noqa: ARG002 - the book's signature
    ) -> None:
        self._balances[wallet] = self.balance(wallet).add(source, -amount).add(destination, amount)
