"""Carts of two members and a guest, reserved, replaced, confirmed, released and forgotten in any order."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted, Decision, Refused
from loyalty_engine.core.engine.requests import (
    CancelOrder,
    ConfirmReservation,
    PlaceOrder,
    ReleaseReservation,
    ReserveOrder,
)
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.engine_cases import MEMBER, NOW, OTHER, call, line, lot, member, order, ruleset_of
from tests.core.store import Store

SHARED_CAP: Final = 3
OWN_CAP: Final = 2
BUDGET: Final = 700
PROMOTIONS: Final = [
    {"key": "shared", "effect": {"kind": "gift", "sku": "mug"}, "limits": [{"per": "program", "times": SHARED_CAP}]},
    {"key": "own", "effect": {"kind": "gift", "sku": "cup"}, "limits": [{"per": "member", "times": OWN_CAP}]},
    {
        "key": "budget",
        "effect": {"kind": "percent_off", "percent": "25%"},
        "limits": [{"per": "program", "amount": BUDGET, "partial": True}],
    },
]

STEPS: Final = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["reserve", "reserve", "order", "replace"]),
            st.sampled_from([MEMBER, OTHER, None]),
            st.integers(1, 9),
            st.integers(1, 30),
        ),
        st.tuples(
            st.sampled_from(["confirm", "confirm", "release", "cancel"]), st.none(), st.integers(0, 9), st.just(0)
        ),
        st.tuples(st.just("wait"), st.none(), st.integers(1, 20), st.just(0)),
    ),
    min_size=3,
    max_size=18,
)


class Shop:
    """Does what is drawn; a step that has nothing to be about does nothing."""

    def __init__(self) -> None:
        self.store = Store({3: ruleset_of(promotions=PROMOTIONS)})
        self.store.enrol(member(300))
        self.store.enrol(member(id=OTHER, lots=False))
        self.now = NOW
        self.count = 0
        self.carts: list[UUID] = []
        self.orders: dict[UUID, Mapping[str, Any]] = {}
        self.open: dict[UUID, tuple[datetime, dict[str, Any]]] = {}

    def do(self, kind: str, by: UUID | None, n: int, minutes: int) -> None:
        self.count += 1
        here = call(self.count)
        cart = order(line(100 * n), reference=ShopOrder(""), placed_at=self.now)
        pay = Payment("points", None) if by == MEMBER else None
        match kind:
            case "wait":
                self.now += timedelta(minutes=n)
            case "order":
                placed = order(line(100 * n), reference=ShopOrder(f"P{self.count}"), placed_at=self.now)
                decision = self.store.decide(PlaceOrder(here, by, placed, pay), self.now)
                assert isinstance(decision, Accepted)
                self.orders[here.operation_id] = decision.changes.answer
            case "reserve":
                self.reserve(ReserveOrder(here, by, cart, timedelta(minutes=minutes), pay))
            case "replace" if self.carts:
                old = self.carts[n % len(self.carts)]
                self.reserve(ReserveOrder(here, by, cart, timedelta(minutes=minutes), pay, replaces=old))
            case "confirm" if self.carts:
                old = self.carts[n % len(self.carts)]
                decision = self.store.decide(ConfirmReservation(here, old, ShopOrder(f"C{self.count}")), self.now)
                if self.ends(old, decision):
                    assert isinstance(decision, Accepted)
                    promised = self.open.pop(old)[1]
                    answer = decision.changes.answer
                    assert {name: answer[name] for name in promised if name != "balances"} == {
                        name: value for name, value in promised.items() if name != "balances"
                    }
                    self.orders[here.operation_id] = answer
            case "release" if self.carts:
                old = self.carts[n % len(self.carts)]
                if self.ends(old, self.store.decide(ReleaseReservation(here, old), self.now)):
                    del self.open[old]
            case "cancel" if self.orders:
                placed_before = list(self.orders)[n % len(self.orders)]
                self.store.accept(CancelOrder(here, placed_before, "void"), self.now)
                del self.orders[placed_before]
            case _:
                pass

    def reserve(self, request: ReserveOrder) -> None:
        old = request.replaces
        decision = self.store.decide(request, self.now)
        if old is not None and isinstance(decision, Refused):
            refused = str(decision.refusal.code)
            assert refused == "reservation_not_found" or not self.is_open(old), refused
            return
        assert isinstance(decision, Accepted)
        if old is not None:
            assert self.is_open(old)
            del self.open[old]
        made = decision.changes.reservation
        assert made is not None
        assert made.shown is not None
        self.carts.append(made.id)
        self.open[made.id] = made.until, dict(made.shown)

    def taken(self) -> dict[str, int]:
        """Return what limits must show by what was told: of orders that stand, and of carts that are held."""
        told = [*self.orders.values(), *[shown for until, shown in self.open.values() if until > self.now]]
        mugs = sum(gift["sku"] == "mug" for answer in told for gift in answer["gifts"])
        off = sum(one["amount"] for answer in told for one in answer["discounts"])
        counted = {"promotion/shared/times/program/lifetime/": mugs, "promotion/budget/amount/program/lifetime/": off}
        return {name: amount for name, amount in counted.items() if amount}

    def is_open(self, cart: UUID) -> bool:
        return cart in self.open and self.open[cart][0] > self.now

    def ends(self, cart: UUID, decision: Decision) -> bool:
        """Check that a cart ends just when it can, and say whether it did."""
        assert isinstance(decision, Accepted) == self.is_open(cart), decision
        return isinstance(decision, Accepted)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_becomes_of_carts_limits_hold_and_nothing_stays_held(
    steps: list[tuple[str, UUID | None, int, int]],
) -> None:
    shop = Shop()
    for step in steps:
        shop.do(*step)
        used = shop.store.counters(shop.now)
        assert used == shop.taken()
        assert used.get("promotion/shared/times/program/lifetime/", 0) <= SHARED_CAP
        assert used.get("promotion/budget/amount/program/lifetime/", 0) <= BUDGET

    shop.now += timedelta(hours=1)
    for cart in shop.carts:
        shop.ends(cart, shop.store.decide(ReleaseReservation(call(1000 + shop.count), cart), shop.now))
    for number, placed in enumerate(shop.orders):
        shop.store.decide(CancelOrder(call(2000 + number), placed, "void"), shop.now)
    last = order(line(100), reference=ShopOrder("last"), placed_at=shop.now)
    decision = shop.store.decide(PlaceOrder(call(3000), MEMBER, last), shop.now)
    assert isinstance(decision, Accepted)
    assert [gift["sku"] for gift in decision.changes.answer["gifts"]] == ["mug", "cup"]
    assert decision.changes.answer["total"] == 75
    points = shop.store.members[MEMBER].balances["points"]
    assert (points.available, points.held) == (300, 0)
    assert shop.store.lots[lot(300).id].remaining == 300
