"""The book: writes one operation's postings, keeping balances, lots and sequence numbers in step.

Every way in which points move is one method here; nothing else builds a posting. A book lives for one decision
and is mutable inside it; what leaves it (:meth:`Book.close`) is frozen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.balances import EMPTY_BALANCE, Balance
from loyalty_engine.core.points.lots import Lot, LotUse, plan_spending, reverse_uses
from loyalty_engine.core.points.postings import Account, Posting, ProgramAccount


@dataclass(frozen=True, slots=True)
class LotTerms:
    """What a new lot inherits from the wallet that issues it."""

    funder: str
    cost_micros: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entries:
    """Everything one operation writes to a member's ledger.

    ``balances`` holds the wallets that changed. ``lots`` are new, with what remains of them at the end of the
    operation; ``lots_changed`` maps a lot that existed before to what remains in it now; ``uses`` are net per lot.
    """

    seq: int
    balances: Mapping[str, Balance]
    postings: tuple[Posting, ...]
    lots: tuple[Lot, ...]
    lots_changed: Mapping[UUID, int]
    uses: tuple[LotUse, ...]


class Book:
    """One member's ledger, opened for one operation at ``now``.

    ``lots`` must hold every open lot of the wallets that this operation spends from or restores to. Ids of
    postings and lots are derived from the operation's id, in the order of writing.
    """

    def __init__(
        self,
        *,
        operation_id: UUID,
        member_id: UUID,
        seq: int,
        balances: Mapping[str, Balance],
        lots: Sequence[Lot],
        now: datetime,
    ) -> None:
        self._operation_id = operation_id
        self._member_id = member_id
        self._seq = seq
        self._now = now
        self._before = balances
        self._balances: dict[str, Balance] = {}
        self._lots = {lot.id: lot for lot in lots}
        self._new: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._postings: list[Posting] = []
        self._uses: dict[UUID, int] = {}
        self._ids_taken = 0

    def balance(self, wallet: str) -> Balance:
        """Return the member's balance in ``wallet`` as the book stands."""
        return self._balances.get(wallet) or self._before.get(wallet, EMPTY_BALANCE)

    def earn(self, wallet: str, amount: int, terms: LotTerms, *, source: ProgramAccount = "issued") -> Lot:
        """Credit a new lot of ``amount`` > 0 points; a debt in that wallet is paid out of it first."""
        lot = Lot(
            id=self._next_id(),
            member_id=self._member_id,
            wallet=wallet,
            amount=amount,
            remaining=amount,
            earned_at=terms.earned_at,
            available_at=terms.available_at,
            expires_at=terms.expires_at,
            funder=terms.funder,
            cost_micros=terms.cost_micros,
            operation_id=self._operation_id,
        )
        self._lots[lot.id] = lot
        self._new.add(lot.id)
        self._post(wallet, source, "available", amount, lot_id=lot.id)
        self._pay_debt(wallet)
        return lot

    def spend(self, wallet: str, amount: int, *, destination: ProgramAccount = "redeemed") -> tuple[LotUse, ...]:
        """Take ``amount`` > 0 out of the lots, nearest expiry first; the caller has checked the balance."""
        uses = self._take_from_lots(wallet, amount)
        self._post(wallet, "available", destination, amount, lot_id=uses[0].lot_id if len(uses) == 1 else None)
        return uses

    def restore(self, wallet: str, uses: Sequence[LotUse], *, source: ProgramAccount = "redeemed") -> int:
        """Put spent points back into their lots, a debt is paid first; return how many points came back."""
        amount = sum(use.amount for use in uses)
        for use in reverse_uses(uses):
            self._use(use)
        self._post(wallet, source, "available", amount, lot_id=uses[0].lot_id if len(uses) == 1 else None)
        self._pay_debt(wallet)
        return amount

    def owe(self, wallet: str, amount: int, *, destination: ProgramAccount) -> None:
        """Book ``amount`` > 0 points that the balance could not cover as owed by the member."""
        self._post(wallet, "debt", destination, amount)

    def close(self) -> Entries:
        """Return all that was written."""
        return Entries(
            seq=self._seq,
            balances=self._balances,
            postings=tuple(self._postings),
            lots=tuple(self._lots[lot_id] for lot_id in sorted(self._new)),
            lots_changed={lot_id: self._lots[lot_id].remaining for lot_id in sorted(self._changed - self._new)},
            uses=tuple(LotUse(lot_id, amount) for lot_id, amount in self._uses.items() if amount),
        )

    def _pay_debt(self, wallet: str) -> None:
        """Later earnings pay a debt first, so that a clawback cannot be outrun."""
        balance = self.balance(wallet)
        payment = min(balance.debt, balance.available)
        if payment:
            self._take_from_lots(wallet, payment)
            self._post(wallet, "available", "debt", payment)

    def _take_from_lots(self, wallet: str, amount: int) -> tuple[LotUse, ...]:
        uses = plan_spending((lot for lot in self._lots.values() if lot.wallet == wallet), amount, self._now)
        for use in uses:
            self._use(use)
        return uses

    def _use(self, use: LotUse) -> None:
        lot = self._lots[use.lot_id]
        self._lots[lot.id] = replace(lot, remaining=lot.remaining - use.amount)
        self._changed.add(lot.id)
        self._uses[lot.id] = self._uses.get(lot.id, 0) + use.amount

    def _post(
        self, wallet: str, source: Account, destination: Account, amount: int, *, lot_id: UUID | None = None
    ) -> None:
        after = self.balance(wallet).add(source, -amount).add(destination, amount)
        self._balances[wallet] = after
        self._seq += 1
        self._postings.append(
            Posting(
                id=self._next_id(),
                operation_id=self._operation_id,
                member_id=self._member_id,
                seq=self._seq,
                wallet=wallet,
                source=source,
                destination=destination,
                amount=amount,
                lot_id=lot_id,
                after=after,
            )
        )

    def _next_id(self) -> UUID:
        self._ids_taken += 1
        return nth(self._operation_id, self._ids_taken)
