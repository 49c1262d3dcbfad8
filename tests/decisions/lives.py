"""Lives of an order: it is placed, its points are spent, goods of it come back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, MemberState
from loyalty_engine.core.engine.requests import PlaceOrder, Redeem, ReturnGoods
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.goods import Goods
from tests.core.engine_cases import MEMBER, accept, call, lot
from tests.decisions.examples import Case, read_order, read_ruleset

Json = Mapping[str, Any]

DATES: Final = frozenset({"can_be_spent", "expire"})
"""What an example may say of the points that an order earns."""


@dataclass
class Life:
    """An order of a member, as gather would show it to the next request."""

    ruleset: Ruleset
    now: datetime
    member: MemberState
    placed: Changes

    @classmethod
    def begin(cls, case: Case) -> "Life":
        """Place the case's order, paid in part with the points that it says."""
        ruleset, order, pays = read_ruleset(case), read_order(case.get("order")), case.get("pays_with", 0)
        member = MemberState(
            MEMBER,
            version=1,
            seq=0,
            status="active",
            booked_at=order.placed_at - timedelta(days=1),
            balances={"points": Balance(pays)} if pays else {},
            lots=(lot(pays),) if pays else (),
            sees_lots=True,
        )
        request = PlaceOrder(call(1), MEMBER, order, Payment("points", pays) if pays else None)
        placed = accept(request, Facts(member=member), rules=ruleset, now=order.placed_at)
        assert placed.member is not None
        return cls(ruleset, order.placed_at, placed.member.after, placed)

    def dates(self, names: Collection[str]) -> dict[str, dict[str, str | None]]:
        """Return from when the earned points can be spent and when they expire, by wallet."""
        assert self.placed.entries is not None
        earned = self.placed.entries.lots
        found: dict[str, dict[str, str | None]] = {
            "can_be_spent": {x.wallet: _show(x.available_at) or "once confirmed" for x in earned},
            "expire": {x.wallet: _show(x.expires_at or self.member.balances[x.wallet].expires_at) for x in earned},
        }
        return {name: found[name] for name in names}

    def spend(self, points: int) -> None:
        """Let the member spend some points outside of orders."""
        if points:
            request = Redeem(call(2), MEMBER, "points", points)
            spent = accept(request, Facts(member=self.member), rules=self.ruleset, now=self.now)
            assert spent.member is not None
            self.member = spent.member.after

    def take_back(self, goods: Json) -> dict[str, Any]:
        """Let goods come back, and return what the answer and the order say of it."""
        lines = {line: quantity * SCALE for line, quantity in goods.get("lines", {}).items()}
        known = self.known()
        request = ReturnGoods(call(3), known.id, Goods(lines, goods.get("amount", 0)))
        changes = accept(
            request, Facts(member=self.member, returned={known.id: known}), rules=self.ruleset, now=self.now
        )
        answer, change = changes.answer, changes.order_change
        assert change is not None
        restored = answer["restored"]
        return {
            "refund": answer["refund"],
            "restores": {restored["wallet"]: restored["points"]} if restored else {},
            "keeps": {given.rule: change.state.kept.get(given.rule, given.amount) for given in known.earned},
            "takes": {less["wallet"]: less["points"] for less in answer["taken"]},
        }

    def known(self) -> KnownOrder:
        """Return the order as gather shows it to requests about it."""
        row, entries = self.placed.order, self.placed.entries
        assert row is not None
        assert entries is not None
        own: tuple[UUID, ...] = tuple(new.id for new in entries.lots)
        return KnownOrder(
            id=row.id,
            earlier=Earlier(b"", "{}"),
            member_id=MEMBER,
            claimed_by=None,
            order=row.order,
            revision=self.ruleset.revision,
            earned=row.earned,
            promoted=row.promoted,
            payment=row.payment,
            uses=tuple(use for use in entries.uses if use.lot_id not in own),
            own=own,
        )


def _show(instant: datetime | None) -> str | None:
    return None if instant is None else show_instant(instant)
