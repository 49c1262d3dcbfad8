"""Whatever a member lives through, applying the changes in memory gives what the rows show: over days, holds and returns."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from loyalty_engine.application.asks import ask_for
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    ConfirmReservation,
    EditOrder,
    EndHold,
    EnrolMember,
    HoldPoints,
    PlaceOrder,
    Profile,
    Redeem,
    ReleaseReservation,
    Request,
    ReserveOrder,
    ReturnGoods,
    ReverseOperation,
)
from loyalty_engine.core.kernel.identities import Identity, parse_identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.ledger_check import check_rows
from tests.application.conftest import Engine
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, document

STEPS: Final = size(160, 400)
START: Final = parse_instant("2026-01-01T12:00:00Z")
ALL: Final = HistoryRange(since=None, until=parse_instant("2030-01-01T00:00:00Z"), with_lines=True)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PROMOTION: Final = {
    "key": "some",
    "effect": {"kind": "percent_off", "percent": "10%"},
    "limits": [{"per": "program", "times": 2, "period": "week"}, {"per": "member", "times": 5, "period": "month"}],
}
COUNTERS: Final = tuple(f"promotion/some/times/program/week/2026-W{week:02}" for week in range(1, 54))


class Life:
    """One member, what was done so far, and a clock that moves on."""

    def __init__(self, engine: Engine, card: Identity, dice: random.Random) -> None:
        self.engine, self.card, self.dice, self.now = engine, card, dice, START
        self.orders: list[UUID] = []
        self.holds: list[UUID] = []
        self.corrections: list[UUID] = []
        self.reservations: list[UUID] = []
        self.has_just_reserved = False

    def next_request(self) -> Request:
        call, dice = self.engine.call(), self.dice
        match dice.choice([8, 10, 11, 12]) if self.has_just_reserved else dice.randrange(13):
            case 0 if self.orders:
                lines = {dice.choice("123"): dice.choice([SCALE, None])}
                return ReturnGoods(call, dice.choice(self.orders), Goods(lines), self.now)
            case 1 if self.orders:
                return ActivateOrder(
                    call, dice.choice(self.orders), dice.choice([None, Goods({dice.choice("123"): None})])
                )
            case 2 if self.orders:
                return CancelOrder(call, dice.choice(self.orders), "void")
            case 3 if self.orders:
                return EditOrder(call, dice.choice(self.orders), self.lines(), 0, (), "changed")
            case 4:
                return HoldPoints(call, self.card, "points", dice.randint(10, 60), dice.randint(1, 9) * DAY)
            case 5 if self.holds:
                return EndHold(call, self.holds.pop(), dice.choice([None, 0, 10]))
            case 6 if self.corrections:
                return ReverseOperation(call, self.corrections.pop(), "mistake")
            case 7:
                return Adjust(call, self.card, "points", dice.choice([90, 40, -30, -200]), "error", if_short="debt")
            case 8 | 9:
                replaces = self.reservations.pop() if self.reservations and dice.random() < 0.5 else None
                return self.reserve(dice.choice([2 * HOUR, DAY]), replaces)
            case 10 if self.reservations:
                return ConfirmReservation(call, self.reservations[-1], ShopOrder(fresh("o")))
            case 11 if self.reservations:
                return ReleaseReservation(call, self.reservations[-1], "abandoned")
            case _:
                return PlaceOrder(call, self.card, self.order(fresh("o")), dice.choice([None, Payment("points", None)]))

    def reserve(self, ttl: timedelta, replaces: UUID | None) -> ReserveOrder:
        payment = self.dice.choice([None, Payment("points", None)])
        return ReserveOrder(self.engine.call(), self.card, self.order(""), ttl, payment, replaces=replaces)

    def order(self, number: str) -> Order:
        return Order(ShopOrder(number), self.now, "EUR", self.lines(), channel=self.dice.choice(["web", "pos"]))

    def lines(self) -> tuple[Line, ...]:
        return tuple(Line(name, self.dice.randrange(100, 4000), 2 * SCALE) for name in "123")

    async def gather(self, request: Request) -> Facts:
        ruleset = await self.engine.rulesets.latest(self.engine.caller.program_id)
        ask = replace(ask_for(request, ruleset, now=self.now), wants_lots=True, history=ALL, counters=COUNTERS)
        ((_, facts),) = await self.engine.ledger.gather(self.engine.caller.program_id, [ask])
        return facts

    async def act(self, request: Request) -> tuple[Facts, Accepted | None]:
        facts = await self.gather(request)
        ruleset = await self.engine.rulesets.latest(self.engine.caller.program_id)
        decision = decide(ruleset, facts, request, self.now)
        if not isinstance(decision, Accepted):
            return facts, None
        assert await self.engine.ledger.record(self.engine.caller.program_id, fold(decision.parts))
        self.remember(request, decision.changes)
        return facts, decision

    def remember(self, request: Request, changes: Changes) -> None:
        self.has_just_reserved = isinstance(request, ReserveOrder)
        known = {
            PlaceOrder: self.orders,
            ConfirmReservation: self.orders,
            HoldPoints: self.holds,
            Adjust: self.corrections,
            ReserveOrder: self.reservations,
        }.get(type(request))
        if known is not None:
            known.append(changes.operation.id)


def canonical(member: MemberState | None) -> MemberState:
    """Lots and holds come in no order, and of a lot it matters only while something is left of it."""
    assert member is not None
    lots = tuple(sorted((lot for lot in member.lots if lot.remaining), key=lambda lot: lot.id))
    return replace(member, lots=lots, holds=tuple(sorted(member.holds, key=lambda hold: hold.id)), profile=None)


@pytest.mark.parametrize("seed", range(3))
async def test_apply_agrees_with_a_fresh_gather_over_a_life(
    engine: Engine, program: Program, ledger: Ledger, seed: int
) -> None:
    rules = document(time_zone="UTC")
    rules["wallets"][0]["expiry"] = {"kind": "after", "length": {"days": 20}}
    rules["wallets"][1] |= {"activation": {"kind": "confirmed"}, "expiry": {"kind": "sliding", "length": {"days": 9}}}
    rules["earning_rules"][0]["activation"] = {"kind": "after", "length": {"days": 3}}
    rules["promotions"] = [PROMOTION]
    await program.publish(rules)
    life = Life(engine, parse_identity(f"card:{fresh('c')}"), random.Random(seed))
    await engine.run(EnrolMember(engine.call(), (life.card,), Profile()))
    await ledger.connection.execute(
        "UPDATE member SET booked_at = $1, enrolled_at = $1 WHERE program_id = $2", START, program.id
    )
    accepted: list[str] = []

    for _ in range(STEPS):
        life.now += timedelta(hours=life.dice.choice([0, 0, 1, 5, 30, 60]))
        facts, decision = await life.act(life.next_request())
        if decision is None:
            continue
        moved = facts
        for part in decision.parts:
            moved = apply(moved, part)
            accepted.append(part.operation.kind)
        fresh_facts = await life.gather(Redeem(engine.call(), life.card, "points", 1))
        assert canonical(moved.member) == canonical(fresh_facts.member), decision.changes.operation.kind
        assert {name: used for name, used in moved.counters.items() if used} == {
            name: used for name, used in fresh_facts.counters.items() if used
        }

    assert {"order", "return", "hold", "time_passed", "adjustment", "reservation", "release"} <= set(accepted)
    assert await ledger.count("reservation_end", "how = 'confirmed'") > 0
    report = await check_rows(ledger.connection, ledger.program_id)
    assert [(finding.name, finding.examples) for finding in report.findings if finding.offences] == []
    assert await ledger.faults() == []
