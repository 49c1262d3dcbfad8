"""Rebuilding: what a member must have, folded anew from the rows that are only ever added.

Nothing that is updated is looked at, so that what was stored can be held against it. ``docs/decisions/0014…`` says what is
not in such rows and therefore cannot be rebuilt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from loyalty_engine.core.engine.facts import OperationKind
from loyalty_engine.core.points.balances import EMPTY_BALANCE, Balance
from loyalty_engine.core.points.lots import LotUse

Value = int | str | datetime | UUID | None


@dataclass(frozen=True, slots=True)
class Act:
    """An operation about the member. ``is_second`` tells that it was the second one of two, ``partner`` who the first was.

    ``undoes`` is the kind of the operation that it took back.
    """

    id: UUID
    kind: OperationKind
    booked_at: datetime
    is_second: bool = False
    partner: UUID | None = None
    undoes: OperationKind | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What a posting moved, without the balances that it says were there afterwards."""

    seq: int
    wallet: str
    source: str
    destination: str
    amount: int
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Birth:
    """A lot as it was made."""

    lot_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order of the member, or of one for whom it stands, as the last of its changes leaves it."""

    placed_at: datetime
    spend: int
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Led:
    """Where an operation led the member in a tier set or plan, which had that ``version`` then: the values of its columns."""

    place: str
    version: int
    columns: Mapping[str, Value]
    of: Literal["tier", "plan"] = "tier"


@dataclass(frozen=True, slots=True)
class History:
    """All that was ever added about one member; ``movements`` in their order, the rest in any."""

    acts: Sequence[Act]
    movements: Iterable[Movement]
    births: Iterable[Birth]
    uses: Iterable[LotUse]
    purchases: Sequence[Purchase]
    moves: Iterable[Led] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """The name of one stored value: a column of the member, of a wallet's balance, of a lot, of a shared counter, of
    where the member is in a tier set, or of what it has of a plan.
    """

    of: Literal["member", "balance", "lot", "counter", "tier", "plan"]
    name: str
    column: str


Figures = Mapping[Figure, Value]

BALANCE_COLUMNS: Final = ("available", "pending", "held", "debt")


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is stored otherwise than history says. None: it is not stored, or nothing says that it was there."""

    figure: Figure
    stored: Value
    rebuilt: Value


def rebuild(history: History) -> Figures:
    """Return every figure of a member that its history determines."""
    movements = list(history.movements)
    figures: dict[Figure, Value] = {}
    if history.acts:
        figures |= _rebuild_standing(history.acts, last_seq=max((each.seq for each in movements), default=0))
        figures |= _rebuild_purchases(history.purchases, was_merged=was_merged(history.acts))
    for wallet, balance in _rebuild_balances(movements).items():
        figures |= balance_figures(wallet, balance)
    for led in sorted(history.moves, key=lambda each: each.version):
        figures |= place_figures(led.place, led.columns, led.of)
    return {**figures, **_rebuild_lots(history.births, history.uses, movements)}


def was_merged(acts: Iterable[Act]) -> bool:
    """Tell whether two members ever became one: whose first and last order were whose is not known any more."""
    return any(act.kind == "merge" for act in acts)


def member_figure(column: str) -> Figure:
    """Name a column of the member."""
    return Figure("member", "", column)


def lot_figures(lot_id: UUID, *, remaining: int, expired: int) -> Figures:
    """Return the figures of one lot."""
    name = str(lot_id)
    return {Figure("lot", name, "remaining"): remaining, Figure("lot", name, "expired"): expired}


def balance_figures(wallet: str, balance: Balance) -> Figures:
    """Return the figures of one balance. Where nothing ever moved there need not be one, so zeros are left out."""
    amounts = (balance.available, balance.pending, balance.held, balance.debt)
    named = zip(BALANCE_COLUMNS, amounts, strict=True)
    return {Figure("balance", wallet, column): amount for column, amount in named if amount}


def place_figures(place: str, columns: Mapping[str, Value], of: Literal["tier", "plan"] = "tier") -> Figures:
    """Return the figures of where a member is in a tier set, or of what it has of a plan."""
    return {Figure(of, place, column): value for column, value in columns.items()}


def compare(stored: Figures, rebuilt: Figures) -> list[Difference]:
    """Return where the two differ, by name."""
    names = sorted(stored.keys() | rebuilt.keys(), key=lambda each: (each.of, each.name, each.column))
    return [
        Difference(name, stored.get(name), rebuilt.get(name)) for name in names if stored.get(name) != rebuilt.get(name)
    ]


def _rebuild_standing(acts: Sequence[Act], *, last_seq: int) -> Figures:
    status, merged_into = "active", None
    in_order = sorted(acts, key=lambda act: (act.booked_at, act.id))
    for act in in_order:
        match act.kind:
            case "block":
                status = "blocked"
            case "unblock":
                status = "active"
            case "merge" if act.is_second:
                status, merged_into = "merged", act.partner
            case "reversal" if act.is_second and act.undoes == "merge":
                status, merged_into = "active", None
            case _:
                pass
    return {
        member_figure("version"): len(acts),
        member_figure("seq"): last_seq,
        member_figure("booked_at"): in_order[-1].booked_at,
        member_figure("status"): status,
        member_figure("merged_into"): merged_into,
    }


def _rebuild_purchases(purchases: Sequence[Purchase], *, was_merged: bool) -> Figures:
    kept = [purchase for purchase in purchases if not purchase.is_gone]
    figures: dict[Figure, Value] = {
        member_figure("orders"): len(kept),
        member_figure("spend"): sum(purchase.spend for purchase in kept),
    }
    if not was_merged:
        placed = [purchase.placed_at for purchase in purchases]
        figures[member_figure("first_order_at")] = min(placed, default=None)
        figures[member_figure("last_order_at")] = max(placed, default=None)
    return figures


def _rebuild_balances(movements: Iterable[Movement]) -> Mapping[str, Balance]:
    balances: dict[str, Balance] = {}
    for each in movements:
        before = balances.get(each.wallet, EMPTY_BALANCE)
        balances[each.wallet] = before.add(each.source, -each.amount).add(each.destination, each.amount)
    return balances


def _rebuild_lots(births: Iterable[Birth], uses: Iterable[LotUse], movements: Iterable[Movement]) -> Figures:
    left = {birth.lot_id: birth.amount for birth in births}
    gone = dict.fromkeys(left, 0)
    for use in uses:
        left[use.lot_id] = left.get(use.lot_id, 0) - use.amount
    for each in movements:
        if each.lot_id is not None and "expired" in (each.source, each.destination):
            gone[each.lot_id] = gone.get(each.lot_id, 0) + (
                each.amount if each.destination == "expired" else -each.amount
            )
    figures: dict[Figure, Value] = {}
    for lot_id in left.keys() | gone.keys():
        figures |= lot_figures(lot_id, remaining=left.get(lot_id, 0), expired=gone.get(lot_id, 0))
    return figures
