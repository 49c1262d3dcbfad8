"""The book: writes one operation's postings, keeping balances, lots and sequence numbers in step.

Nothing else builds a posting. The ways in which points move by themselves, are set aside, are taken back or change
hands are in their own rooms (``passing``, ``holding``, ``clawback``, ``moving``), which write with the book's strokes:
:meth:`Book.post`, :meth:`Book.use`, :meth:`Book.add_lot`, :meth:`Book.put_lot`. A book lives for one decision and is
mutable inside it; what leaves it (:meth:`Book.close`) is frozen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.holds import Hold, HoldEnd
from loyalty_engine.core.points.ledger import Ledger, LotTerms
from loyalty_engine.core.points.lots import Lot, LotUse, plan_spending, take_in_order
from loyalty_engine.core.points.postings import Account, Posting, ProgramAccount


@dataclass(frozen=True, slots=True)
class Entries:
    """Everything one operation writes to a member's ledger.

    ``balances`` holds the wallets that changed. ``lots`` are new, with what remains of them at the end of the
    operation; ``lots_changed`` are those that existed before, as they are now; ``uses`` are net per lot.
    """

    seq: int
    balances: Mapping[str, Balance]
    postings: tuple[Posting, ...]
    lots: tuple[Lot, ...]
    lots_changed: Mapping[UUID, Lot]
    uses: tuple[LotUse, ...]
    holds: tuple[Hold, ...] = ()
    hold_ends: tuple[HoldEnd, ...] = ()


class Book(Ledger[Lot]):
    """One member's ledger, opened for one operation at ``now``.

    ``lots`` must hold every open lot of the wallets that this operation spends from or restores to, with all that time
    did to them until ``now`` booked. Those of other members, which a merge or its undoing left behind, are known by
    their terms only and never change. Ids of postings and lots are derived from the operation's id, in the order of
    writing.
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
        ids_taken: int = 0,
    ) -> None:
        super().__init__(balances, now)
        self.operation_id = operation_id
        self._member_id = member_id
        self._seq = seq
        self._lots = {lot.id: lot for lot in lots if lot.member_id == member_id}
        self._left_behind = {lot.id: lot for lot in lots if lot.member_id != member_id}
        self._new: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._postings: list[Posting] = []
        self._uses: dict[UUID, int] = {}
        self._holds: list[Hold] = []
        self._hold_ends: list[HoldEnd] = []
        self._ids_taken = ids_taken

    def lots(self, wallet: str | None = None) -> list[Lot]:
        """Return the lots of ``wallet``, or all, as the book stands."""
        return [lot for lot in self._lots.values() if wallet is None or lot.wallet == wallet]

    @property
    def seq(self) -> int:
        """The number of the member's last posting."""
        return self._seq

    @property
    def left_behind(self) -> Iterable[Lot]:
        """The lots of other members that were read."""
        return self._left_behind.values()

    def lot(self, lot_id: UUID) -> Lot:
        """Return a lot of the member as the book stands; it must have been read."""
        return self._lots[lot_id]

    def knows(self, lot_id: UUID) -> bool:
        """Tell whether a lot was read: of the member or one that another left behind."""
        return lot_id in self._lots or lot_id in self._left_behind

    def terms_of(self, lot_id: UUID) -> Lot:
        """Return a lot that was read, for its terms: of the member or one that another left behind."""
        return self._lots.get(lot_id) or self._left_behind[lot_id]

    def find_lots(self, wallet: str, lot_ids: Iterable[UUID]) -> list[UUID]:
        """Return which lots of ``wallet`` are meant by ``lot_ids``; in place of one left behind, those that carry it on."""
        found: dict[UUID, None] = {}
        for lot_id in lot_ids:
            meant = self.terms_of(lot_id)
            if meant.wallet != wallet:
                continue
            if lot_id in self._lots:
                found[lot_id] = None
            else:
                found.update((lot.id, None) for lot in self.lots(wallet) if lot.carries_on == lot_id)
        return list(found)

    def is_expired(self, lot: Lot, at: datetime) -> bool:
        """Tell whether a lot's points count no more: by its own expiry, or by the sliding one of its wallet."""
        if lot.expires_at is not None:
            return lot.has_expired(at)
        slides_to = self.balance(lot.wallet).expires_at
        return slides_to is not None and slides_to <= at and not lot.is_pending(at)

    def spend(self, wallet: str, amount: int, *, destination: Account = "redeemed") -> tuple[LotUse, ...]:
        """Take ``amount`` > 0 out of the lots, nearest expiry first; the caller has checked the balance."""
        uses = plan_spending(self.lots(wallet), amount, self.now)
        self.take(uses)
        self.post(wallet, "available", destination, amount, lot_id=_only_lot(uses))
        return uses

    def pay(self, wallet: str, points: int) -> None:
        self.spend(wallet, points)

    def restore(
        self,
        wallet: str,
        uses: Sequence[LotUse],
        *,
        source: Account = "redeemed",
        grace_until: datetime | None = None,
    ) -> tuple[UUID, ...]:
        """Put spent points back into their lots; a debt is paid first, out of those that came back first.

        What would have expired meanwhile comes back in a lot of grace that lasts until ``grace_until``; None: it comes
        back and expires at once. What was spent by a member that was merged into this one comes back in a lot like that
        one's. Returns the lots in which points came back, in the order of ``uses``.
        """
        back = [self._put_back(use, grace_until) for use in uses]
        self.post(wallet, source, "available", sum(use.amount for use in uses), lot_id=_only(back))
        self.pay_debt(wallet, back)
        for lot_id in dict.fromkeys(back):
            if self.is_expired(self._lots[lot_id], self.now):
                self.expire(lot_id)
        return tuple(back)

    def owe(self, wallet: str, amount: int, *, destination: ProgramAccount) -> None:
        """Book ``amount`` > 0 points that the balance could not cover as owed by the member."""
        self.post(wallet, "debt", destination, amount)

    def expire_rest(self, lot: Lot, *, source: Account = "available") -> None:
        self.expire(lot.id, source=source)

    def expire(self, lot_id: UUID, *, source: Account = "available") -> None:
        """Take what is left of a lot out of the member's hands because it is too old."""
        lot = self._lots[lot_id]
        if not lot.remaining:
            return
        self.use(LotUse(lot_id, lot.remaining))
        self.put_lot(replace(self._lots[lot_id], expired=lot.expired + lot.remaining))
        self.post(lot.wallet, source, "expired", lot.remaining, lot_id=lot_id)

    def pay_debt(self, wallet: str, first: Sequence[UUID] = ()) -> None:
        """Pay a debt out of what is available, the lots ``first`` before others."""
        payment = self.payable_debt(wallet)
        if not payment:
            return
        uses, missing = take_in_order([self._lots[lot_id] for lot_id in dict.fromkeys(first)], payment)
        self.take(uses)
        if missing:
            self.take(plan_spending(self.lots(wallet), missing, self.now))
        self.post(wallet, "available", "debt", payment)

    def take(self, uses: Iterable[LotUse]) -> None:
        """Take points out of lots; the caller posts where they go."""
        for use in uses:
            self.use(use)

    def use(self, use: LotUse) -> None:
        """Take points out of a lot, or put them back (negative)."""
        lot = self._lots[use.lot_id]
        self.put_lot(replace(lot, remaining=lot.remaining - use.amount))
        self._uses[lot.id] = self._uses.get(lot.id, 0) + use.amount

    def add_lot(self, wallet: str, amount: int, terms: LotTerms) -> Lot:
        """Make a new lot, full; the caller posts where its points come from."""
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
            operation_id=self.operation_id,
        )
        self._lots[lot.id] = lot
        self._new.add(lot.id)
        return lot

    def put_lot(self, lot: Lot) -> Lot:
        """Replace a lot by what it is now."""
        self._lots[lot.id] = lot
        self._changed.add(lot.id)
        return lot

    def add_hold(self, hold: Hold) -> None:
        """Enter a new hold."""
        self._holds.append(hold)

    def end_hold(self, end: HoldEnd) -> None:
        """Enter how a hold ended."""
        self._hold_ends.append(end)

    def post(
        self, wallet: str, source: Account, destination: Account, amount: int, *, lot_id: UUID | None = None
    ) -> None:
        """Move ``amount`` > 0 from one account to another."""
        after = self.move(wallet, source, destination, amount)
        self._seq += 1
        self._postings.append(
            Posting(
                id=self._next_id(),
                operation_id=self.operation_id,
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

    def close(self) -> Entries:
        """Return all that was written."""
        return Entries(
            seq=self._seq,
            balances=self._balances,
            postings=tuple(self._postings),
            lots=tuple(self._lots[lot_id] for lot_id in sorted(self._new)),
            lots_changed={lot_id: self._lots[lot_id] for lot_id in sorted(self._changed - self._new)},
            uses=tuple(LotUse(lot_id, amount) for lot_id, amount in self._uses.items() if amount),
            holds=tuple(self._holds),
            hold_ends=tuple(self._hold_ends),
        )

    def _enter(self, wallet: str, amount: int, terms: LotTerms) -> Lot:
        return self.add_lot(wallet, amount, terms)

    def _issue(self, lot: Lot, source: ProgramAccount, account: Account, amount: int) -> None:
        self.post(lot.wallet, source, account, amount, lot_id=lot.id)

    def _pay_debt_with(self, lot: Lot) -> None:
        self.pay_debt(lot.wallet, (lot.id,))

    def _put_back(self, use: LotUse, grace_until: datetime | None) -> UUID:
        """Put spent points back, in a lot of the same age where their own cannot have them; return that lot."""
        lot = self.terms_of(use.lot_id)
        has_grace = grace_until is not None and self.is_expired(lot, self.now)
        if lot.id in self._lots and not has_grace:
            self.use(LotUse(lot.id, -use.amount))
            return lot.id
        expires_at = grace_until if has_grace else lot.expires_at
        terms = LotTerms(lot.funder, lot.cost_micros, lot.earned_at, lot.available_at, expires_at)
        return self.add_lot(lot.wallet, use.amount, terms).id

    def _next_id(self) -> UUID:
        self._ids_taken += 1
        return nth(self.operation_id, self._ids_taken)


def _only_lot(uses: Sequence[LotUse]) -> UUID | None:
    return uses[0].lot_id if len(uses) == 1 else None


def _only(lots: Sequence[UUID]) -> UUID | None:
    return lots[0] if len(set(lots)) == 1 else None
