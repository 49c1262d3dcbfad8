"""What turns the points of an order in one state into those of another: payments given back, points taken or given again,
and points that become spendable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from loyalty_engine.core.engine.accounts import grace_until, touch
from loyalty_engine.core.engine.keeping import Group, Keeper, Taken, order_of_groups
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.activating import activate, deactivate
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.clawback import Clawback, Share, give_again, take_back
from loyalty_engine.core.points.lots import Lot, LotUse, spending_order
from loyalty_engine.core.returns.state import OrderState


def move_points(
    keeper: Keeper, book: Book, before: OrderState, after: OrderState
) -> tuple[OrderState, tuple[Taken, ...]]:
    """Write to the member's ledger what turns the points of ``before`` into those of ``after``.

    Return the latter with what is taken from which lots by now, and what to tell of that.
    """
    was, is_now = keeper.kept(before), keeper.kept(after)
    taken = {UUID(lot_id): points for lot_id, points in before.taken.items()}
    _pay_again(keeper, book, before.restored - after.restored, after, taken=taken)
    restored = _restore(keeper, book, before, after, taken=taken)
    told: list[Taken] = []
    for wallet in sorted({wallet for wallet, _ in was}):
        active = after.activated.get(wallet, 0) - before.activated.get(wallet, 0)
        less = {group: was[group] - is_now[group] for group in was if group[0] == wallet}
        last = restored if keeper.known.payment is not None and keeper.known.payment.wallet == wallet else {}
        awaited = _unconfirmed(book, wallet) - _waiting(keeper, book, wallet, before, taken=taken)
        again = Clawback(wallet, _shares(keeper, book, less, -1, was=was, taken=taken), last)
        if again.amount:
            taken_of = {lot.id: taken[lot.id] for lot in book.lots(wallet) if lot.id in taken}
            _add(taken, give_again(book, again, taken_of, _owed(keeper, book, wallet, was, taken=taken)), -1)
        claw = Clawback(wallet, _shares(keeper, book, less, 1, active=-active), last)
        if claw.amount:
            haul = take_back(book, claw, destination="issued")
            _add(taken, haul.lots, 1)
            told.append(replace(settle_shortage(keeper.ruleset, book, claw, haul.missing), points=sum(less.values())))
        awaited += _waiting(keeper, book, wallet, after, taken=taken)
        _confirm(keeper, book, wallet, _unconfirmed(book, wallet) - awaited)
    state = replace(after, taken={str(lot_id): points for lot_id, points in sorted(taken.items()) if points})
    return state, tuple(less for less in told if less.points > 0)


def _owed(keeper: Keeper, book: Book, wallet: str, kept: Mapping[Group, int], *, taken: Mapping[UUID, int]) -> int:
    """Return how many of the points that the order gives less its member did not have."""
    less = sum(keeper.earned_in(group) - points for group, points in kept.items() if group[0] == wallet)
    return max(less - sum(taken.get(lot.id, 0) for lot in book.lots(wallet)), 0)


def _waiting(keeper: Keeper, book: Book, wallet: str, state: OrderState, *, taken: Mapping[UUID, int]) -> int:
    """Return how many points of the order wait for confirmation: what others lack is taken from these first."""
    kept, group = keeper.kept(state), (wallet, None)
    lent = _lent(keeper, keeper.own(book, group), group, kept, taken=taken)
    return max(kept.get(group, 0) - lent - state.activated.get(wallet, 0), 0)


def _unconfirmed(book: Book, wallet: str) -> int:
    return sum(lot.remaining for lot in book.lots(wallet) if lot.available_at is None)


def _confirm(keeper: Keeper, book: Book, wallet: str, more: int) -> None:
    """Let ``more`` of the points that wait for confirmation be spent, or fewer when what they were confirmed for is gone."""
    own = keeper.own(book, (wallet, None)) if more else []
    if more > 0 and activate(book, own, wallet, more, since=keeper.confirmed_at(book, wallet)):
        touch(keeper.ruleset, book, (wallet,), book.now)
    elif more < 0:
        deactivate(book, own, wallet, -more)


def take_points(keeper: Keeper, book: Book, less: Mapping[Group, int]) -> tuple[Taken, ...]:
    """Take points of the order back, those of the lots that it brought first."""
    taken: list[Taken] = []
    for wallet in sorted({wallet for wallet, _ in less}):
        of_wallet = {group: less.get(group, 0) for group in keeper.kept(keeper.known.state) if group[0] == wallet}
        claw = Clawback(wallet, _shares(keeper, book, of_wallet, 1))
        taken.append(settle_shortage(keeper.ruleset, book, claw, take_back(book, claw, destination="issued").missing))
    return tuple(taken)


def settle_shortage(ruleset: Ruleset, book: Book, claw: Clawback, missing: int) -> Taken:
    """Deal with what the balance did not cover as the program's policy says."""
    if not missing:
        return Taken(claw.wallet, claw.amount)
    if ruleset.returns.clawback == "refuse":
        covered = claw.amount - missing
        refuse(RefusalCode.RETURN_NOT_COVERED, "", wallet=claw.wallet, needed=claw.amount, available=covered)
    if ruleset.returns.clawback == "clamp":
        return Taken(claw.wallet, claw.amount, forgiven=missing)
    book.owe(claw.wallet, missing, destination="issued")
    return Taken(claw.wallet, claw.amount, owed=missing)


def _shares(
    keeper: Keeper,
    book: Book,
    less: Mapping[Group, int],
    sign: Literal[-1, 1],
    *,
    active: int = 0,
    was: Mapping[Group, int] = MappingProxyType({}),
    taken: Mapping[UUID, int] = MappingProxyType({}),
) -> list[Share]:
    """Return what each group gives less (1) or again (-1); ``active`` of what waited for confirmation could be spent.

    Of the points ``taken`` from its lots, those beyond what it gives less were lent to others.
    """
    shares = []
    for group in sorted(less, key=order_of_groups):
        own = keeper.own(book, group)
        waited = max(active, 0) if group[1] is None else 0
        here = sum(taken.get(lot_id, 0) for lot_id in own)
        due = keeper.earned_in(group) - was.get(group, 0)
        lent, lacked = max(here - due, 0), max(due - here, 0)
        shares.append(Share(own, max(less[group] * sign, 0), waited, lent, lacked))
    return shares


def _lent(
    keeper: Keeper, own: Iterable[UUID], group: Group, kept: Mapping[Group, int], *, taken: Mapping[UUID, int]
) -> int:
    """Return how many points were taken from a group's lots beyond what it gives less: others had none left."""
    here = sum(taken.get(lot_id, 0) for lot_id in own)
    return max(here - (keeper.earned_in(group) - kept.get(group, 0)), 0)


def _add(sums: dict[UUID, int], more: Mapping[UUID, int], sign: Literal[-1, 1]) -> None:
    for lot_id, points in more.items():
        sums[lot_id] = sums.get(lot_id, 0) + points * sign


def _restore(
    keeper: Keeper, book: Book, before: OrderState, after: OrderState, *, taken: dict[UUID, int]
) -> dict[UUID, int]:
    """Give points of the payment back, the latest earned first. What they pay of the order's own debt is ``taken`` of them.

    Return all that came back by now, by lot, in that order: also in lots of grace, which have the age of their origin.
    """
    known = keeper.known
    if known.payment is None:
        return {}
    latest_first = _latest_first(keeper, book)
    points = after.restored - before.restored
    new: tuple[UUID, ...] = ()
    if points > 0:
        uses = cut_uses(latest_first, before.restored, points)
        wallet = known.payment.wallet
        debt = book.balance(wallet).debt
        of_others = max(debt - _owed(keeper, book, wallet, keeper.kept(before), taken=taken), 0)
        new = book.restore(wallet, uses, grace_until=grace_until(keeper.ruleset, book.now))
        came = [LotUse(lot_id, use.amount) for lot_id, use in zip(new, uses, strict=True)]
        for use in cut_uses(came, of_others, debt - book.balance(wallet).debt - of_others):
            _add(taken, {use.lot_id: use.amount}, 1)
    back = {use.lot_id: use.amount for use in cut_uses(latest_first, 0, after.restored)}
    brought = {lot_id: book.terms_of(lot_id).amount for lot_id in (*keeper.graces(book), *new) if lot_id not in back}
    lots = [lot for lot in book.lots(known.payment.wallet) if lot.id in back or lot.id in brought]
    places = {use.lot_id: place for place, use in enumerate(latest_first)}
    lots.sort(key=lambda lot: (_place_of(book, lot, places), lot.id not in places, lot.id))
    return {lot.id: back.get(lot.id) or brought[lot.id] for lot in lots}


def _place_of(book: Book, lot: Lot, places: Mapping[UUID, int]) -> int:
    """Return where the points of a lot stand among those that come back: in one of grace, where those stand whose own lot
    could not have them any more.
    """
    if lot.id in places:
        return places[lot.id]
    alike = [book.terms_of(paid) for paid in places if book.terms_of(paid).earned_at == lot.earned_at]
    gone = [paid for paid in alike if paid.member_id != lot.member_id or book.is_expired(paid, book.now)]
    return min((places[paid.id] for paid in gone or alike), default=len(places))


def _pay_again(keeper: Keeper, book: Book, points: int, after: OrderState, *, taken: dict[UUID, int]) -> None:
    """Let points pay again that came back for goods, because what is kept costs more without a promotion than by then.

    They leave the lots in which they came back, then others; what is not there any more is owed. Where they had paid a debt
    of the same order, that is open again.
    """
    payment = keeper.known.payment
    if payment is None or points <= 0:
        return
    latest_first, missing = _latest_first(keeper, book), 0
    places = {use.lot_id: place for place, use in enumerate(latest_first)}
    for use in reversed(cut_uses(latest_first, after.restored, points)):
        left = use.amount
        for lot_id in _came_back_in(keeper, book, use.lot_id, places):
            left -= _spend(book, lot_id, left)
            reopened = min(taken.get(lot_id, 0), left)
            if reopened:
                _add(taken, {lot_id: reopened}, -1)
                book.owe(payment.wallet, reopened, destination="redeemed")
            left -= reopened
        missing += left
    for lot in sorted(book.lots(payment.wallet), key=spending_order):
        missing -= _spend(book, lot.id, missing)
    if missing:
        book.owe(payment.wallet, missing, destination="redeemed")


def _came_back_in(keeper: Keeper, book: Book, lot_id: UUID, places: Mapping[UUID, int]) -> list[UUID]:
    """Return the lots in which points of a lot that paid may have come back: those of grace, the latest first, and itself."""
    paid = book.terms_of(lot_id)
    alike = [book.terms_of(grace) for grace in keeper.graces(book)]
    graces = [lot.id for lot in alike if lot.wallet == paid.wallet and _place_of(book, lot, places) == places[lot_id]]
    return book.find_lots(paid.wallet, [*reversed(graces), lot_id])


def _spend(book: Book, lot_id: UUID, most: int) -> int:
    """Spend what a lot has, ``most`` at most; return how much that was."""
    lot = book.lot(lot_id)
    points = 0 if lot.is_pending(book.now) else min(lot.remaining, most)
    if points > 0:
        book.use(LotUse(lot_id, points))
        book.post(lot.wallet, "available", "redeemed", points, lot_id=lot_id)
    return max(points, 0)


def _latest_first(keeper: Keeper, book: Book) -> list[LotUse]:
    """Return what paid for the order in the order in which it comes back."""
    return sorted(keeper.known.uses, key=lambda use: (book.terms_of(use.lot_id).earned_at, use.lot_id), reverse=True)


def cut_uses(uses: Iterable[LotUse], start: int, length: int) -> list[LotUse]:
    """Return the part of ``uses``, laid end to end, that begins after ``start`` points and is ``length`` long."""
    cut, place = [], 0
    for use in uses:
        low, high = max(start, place), min(start + length, place + use.amount)
        if low < high:
            cut.append(LotUse(use.lot_id, high - low))
        place += use.amount
    return cut
