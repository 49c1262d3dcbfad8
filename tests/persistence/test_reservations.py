"""Reservations on PostgreSQL: kept and read as they were decided, ended once, and in step with the ledger all the way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.application.asks import ask_for
from loyalty_engine.application.check_ledger import check_ledger
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Decision, Refused
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.engine.requests import (
    Actor,
    Adjust,
    Call,
    CancelOrder,
    ConfirmReservation,
    EndHold,
    EnrolMember,
    MergeMembers,
    Profile,
    ReleaseReservation,
    Request,
    ReserveOrder,
)
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity, parse_identity
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import PaidPoints, Payment
from loyalty_engine.core.program.document import Program as ProgramDocument
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.promotions.codes import CodeMemory, Codes
from loyalty_engine.core.rules.order import Line, Order, ShopOrder, Tender
from loyalty_engine.persistence.asks import Ask, Returned, Subject
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Entry, Question, gather, record
from loyalty_engine.persistence.pruning import forget_leases, forget_reservations
from tests.harness.api import fresh
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, document, owner
from tests.persistence.writes import NOW

TEN: Final = timedelta(minutes=10)
OFF: Final = {"kind": "amount_off", "amount": 100}
PROMOTIONS: Final = [
    {"key": "first", "effect": OFF, "limits": [{"per": "program", "times": 1}]},
    {"key": "mine", "effect": OFF, "limits": [{"per": "member", "times": 1}]},
    {"key": "by_code", "opened_by": "code", "effect": OFF},
]
"""A euro off once for everybody, once for each member, and with a code."""
RULES: Final[Ruleset] = compile_ruleset(
    split(ProgramDocument.model_validate({**document(time_zone="UTC"), "promotions": PROMOTIONS})),
    1,
    find_zone=ZoneInfo,
)
XMAS: Final = FoldedCode("XMAS")


@dataclass
class Shop:
    """Gathers, decides and records one request after the other. ``facts`` are what the last one was decided upon."""

    connection: Connection
    program: Program
    facts: Facts = field(default_factory=Facts)

    async def decide(self, request: Request, now: datetime = NOW) -> Decision:
        self.facts = await self.read(ask_for(request, RULES, now=now))
        return decide(RULES, self.facts, request, now)

    async def read(self, ask: Ask) -> Facts:
        [[(_, facts)]] = await gather(self.connection, [Question(self.program.id, (ask,))])
        return facts

    async def record(self, decision: Decision) -> bool:
        assert isinstance(decision, Accepted), decision
        [is_won] = await record(self.connection, [Entry(self.program.id, fold(decision.parts))])
        return is_won

    async def act(self, request: Request, now: datetime = NOW) -> Accepted:
        decision = await self.decide(request, now)
        assert await self.record(decision)
        assert isinstance(decision, Accepted)
        return decision

    async def refusal(self, request: Request, now: datetime = NOW) -> str:
        decision = await self.decide(request, now)
        assert isinstance(decision, Refused), decision
        return decision.refusal.code

    async def enrol(self, points: int = 500) -> Identity:
        identity = parse_identity(f"card:{fresh('c')}")
        await self.act(EnrolMember(call(), (identity,), Profile()))
        await self.act(Adjust(call(), identity, "points", points, "goodwill"))
        return identity

    async def reserve(self, by: Identity | None, **fields: Any) -> Reservation:  # noqa: ANN401 - fields of ReserveOrder
        changes = (await self.act(cart(by, **fields))).changes
        assert changes.reservation is not None
        return changes.reservation


def call() -> Call:
    return Call(uuid7(), Actor(1), b"hash", fresh("k"))


def cart(by: Identity | None, *, pay: int = 0, **fields: Any) -> ReserveOrder:  # noqa: ANN401 - fields of ReserveOrder
    order = Order(
        ShopOrder(""),
        NOW,
        "EUR",
        (Line("1", 3000, SCALE, sku="tea", tax=50), Line("2", 2000, SCALE // 2)),
        channel="app",
        shipping=490,
        tenders=(Tender("card", 100),),
        attributes={"gift_wrap": True},
    )
    payment = Payment("points", pay) if pay else None
    return ReserveOrder(**{"call": call(), "member": by, "order": order, "ttl": TEN, "payment": payment, **fields})


def confirm(held: Reservation, number: str | None = None) -> ConfirmReservation:
    return ConfirmReservation(call(), held.id, ShopOrder(number or fresh("o")))


@pytest.fixture
async def shop(program: Program) -> AsyncIterator[Shop]:
    connection = await connect(program.database_url)
    async with owner(program.database_url) as rows:
        await rows.execute(
            "INSERT INTO loyalty.code_pool (program_id, key, kind, promotion, terms, created_at) VALUES "
            "($1, 'winter', 'shared', 'by_code', $2, now())",
            program.id,
            '{"limits": [{"per": "code", "times": 2}, {"per": "member", "times": 1}]}',
        )
        await rows.execute(
            "INSERT INTO loyalty.promo_code (program_id, code, pool) VALUES ($1, $2, 'winter')", program.id, XMAS
        )
    yield Shop(connection, program)
    await connection.close()


@pytest.fixture(autouse=True)
async def sound(program: Program) -> AsyncIterator[None]:
    """Whatever a test does, the ledger is sound and can be rebuilt."""
    yield
    async with Ledger.open(program) as ledger:
        report = await check_ledger(ledger.connection, program.id)
        assert [finding for finding in report.findings if finding.offences] == []
        assert await ledger.misfits() == []


async def open_leases(shop: Shop, now: datetime = NOW) -> dict[str, int]:
    """Return what is held or used of the counters that the tests know."""
    names = ("promotion/first/times/program/lifetime/", "code/XMAS/times/lifetime/")
    counted = (await shop.read(Ask(1, "", None, now=now, counters=names))).counters
    return {name.split("/")[1]: amount for name, amount in counted.items() if amount}


async def test_a_reservation_is_read_as_it_was_decided(shop: Shop) -> None:
    anna = await shop.enrol()

    held = await shop.reserve(anna, pay=200, codes=Codes((XMAS,)))
    known = (await shop.read(Ask(1, "", None).about(Subject(reservation_id=held.id)))).reservation

    assert known is not None
    plain = replace(held, grants=tuple(grant._replace(activation=None) for grant in held.grants))
    assert known.reservation == plain
    assert (known.member_id, known.ended_by, known.how) == (held.member_id, None, None)
    assert known.hold is not None
    assert (known.hold.hold.id, known.hold.hold.points, known.hold.hold.expires_at) == (held.id, 200, held.until)
    assert held.payment == PaidPoints("points", 200, 200)
    assert held.order.lines[0].off > 0
    assert [use.is_shared for use in held.uses].count(True) == 2
    assert [code.code for code in held.codes] == [XMAS]


async def test_what_is_reserved_counts_for_everybody_until_it_runs_out(shop: Shop) -> None:
    anna, ben = await shop.enrol(), await shop.enrol()

    held = await shop.reserve(anna, codes=Codes((XMAS,)))
    others = await shop.reserve(ben)

    assert await open_leases(shop) == {"first": 1, "XMAS": 1}
    assert [memory.promotion for memory in held.promoted] == ["first", "mine", "by_code"]
    assert [memory.promotion for memory in others.promoted] == ["mine"]
    assert await open_leases(shop, held.until) == {}
    later = (await shop.act(cart(ben), held.until)).changes.reservation
    assert later is not None
    assert [memory.promotion for memory in later.promoted] == ["first", "mine"]


async def test_a_confirmed_reservation_is_an_order_that_the_same_lots_paid(shop: Shop) -> None:
    anna = await shop.enrol()
    held = await shop.reserve(anna, pay=200, codes=Codes((XMAS,)))

    order = (await shop.act(confirm(held))).changes.order

    assert order is not None
    assert await open_leases(shop, held.until + TEN) == {"first": 1, "XMAS": 1}
    found = (await shop.read(Ask(1, "", None).about(Subject(returned=(Returned(order.id),))))).returned[order.id]
    assert found.payment == PaidPoints("points", 200, 200)
    assert sum(use.amount for use in found.uses) == 200
    assert found.codes == tuple(
        CodeMemory(XMAS, "by_code", memory.counters) for memory in held.codes if memory.code == XMAS
    )
    assert (found.order, found.promoted, found.earned) == (order.order, held.promoted, held.earned)
    async with Ledger.open(shop.program) as ledger:
        assert await ledger.count("counter_lease", "amount > 0") == 0
        assert await ledger.count("reservation_end", "how = 'confirmed' AND operation_id = $2", order.id) == 1

    await shop.act(CancelOrder(call(), order.id, "mistake"))

    assert shop.facts.member is not None
    back = (await shop.read(Ask(1, "", None, identity=anna, wants_lots=True))).member
    assert back is not None
    assert back.balances["points"].available == 500
    assert await open_leases(shop) == {}


async def test_a_reservation_ends_once(shop: Shop) -> None:
    held = await shop.reserve(None)
    ends = [await shop.decide(confirm(held)), await shop.decide(ReleaseReservation(call(), held.id))]

    assert [await shop.record(end) for end in ends] == [True, False]

    assert await shop.refusal(ReleaseReservation(call(), held.id)) == "reservation_ended"
    assert await shop.refusal(confirm(held)) == "reservation_ended"


async def test_a_release_frees_everything(shop: Shop) -> None:
    anna = await shop.enrol()
    held = await shop.reserve(anna, pay=200, codes=Codes((XMAS,)))

    await shop.act(ReleaseReservation(call(), held.id))

    assert await open_leases(shop) == {}
    again = await shop.reserve(anna, pay=500, codes=Codes((XMAS,)))
    assert [memory.promotion for memory in again.promoted] == ["first", "mine", "by_code"]


async def test_a_reservation_is_replaced_in_one_write(shop: Shop) -> None:
    anna = await shop.enrol()
    held = await shop.reserve(anna, pay=400, codes=Codes((XMAS,)))

    moved = await shop.reserve(anna, pay=450, codes=Codes((XMAS,)), replaces=held.id, ttl=2 * TEN)

    assert [memory.promotion for memory in moved.promoted] == ["first", "mine", "by_code"]
    assert await open_leases(shop, held.until) == {"first": 1, "XMAS": 1}
    assert await shop.refusal(confirm(held)) == "reservation_ended"
    await shop.act(confirm(moved))


async def test_the_room_of_a_reservation_goes_to_one_of_two(shop: Shop) -> None:
    """It is replaced while somebody else, whose clock is ahead, takes it as having run out."""
    anna, ben = await shop.enrol(), await shop.enrol()
    held = await shop.reserve(anna)
    moved = await shop.decide(cart(anna, replaces=held.id, ttl=2 * TEN))
    ahead = await shop.decide(cart(ben, ttl=2 * TEN), held.until)
    behind = await shop.decide(confirm(held), held.until - timedelta(seconds=1))

    assert [await shop.record(each) for each in (moved, ahead, behind)] == [True, False, False]
    assert await open_leases(shop, held.until) == {"first": 1}


async def test_a_clock_that_is_behind_confirms_nothing_that_another_gave_away(shop: Shop) -> None:
    anna, ben = await shop.enrol(), await shop.enrol()
    held = await shop.reserve(anna)
    ahead = await shop.decide(cart(ben, ttl=2 * TEN), held.until)
    behind = await shop.decide(confirm(held), held.until - timedelta(seconds=1))

    assert [await shop.record(each) for each in (ahead, behind)] == [True, False]
    assert await shop.refusal(confirm(held), held.until) == "reservation_expired"


async def test_points_of_a_reservation_that_ran_out_come_back_by_themselves(shop: Shop) -> None:
    anna = await shop.enrol()
    held = await shop.reserve(anna, pay=400)

    await shop.act(Adjust(call(), anna, "points", 1, "goodwill"), held.until)

    found = (await shop.read(Ask(1, "", None, identity=anna).about(Subject(reservation_id=held.id)))).reservation
    assert found is not None
    assert found.hold is not None
    assert (found.hold.has_expired, found.hold.captured) == (True, 0)
    assert await shop.refusal(confirm(held), held.until) == "reservation_expired"
    assert shop.facts.member is not None
    assert shop.facts.member.balances["points"].available == 501


async def test_points_of_a_reservation_are_not_spent_as_a_hold(shop: Shop) -> None:
    anna = await shop.enrol()
    held = await shop.reserve(anna, pay=400)

    assert await shop.refusal(EndHold(call(), held.id, None)) == "hold_not_found"


async def test_who_absorbed_a_member_confirms_its_reservation(shop: Shop) -> None:
    anna, ben = await shop.enrol(), await shop.enrol()
    held = await shop.reserve(anna, codes=Codes((XMAS,)))
    await shop.act(MergeMembers(call(), ben, anna, "same person"))

    order = (await shop.act(confirm(held))).changes.order

    assert order is not None
    assert shop.facts.reservation is not None
    assert order.member_id == shop.facts.reservation.member_id != held.member_id


async def test_what_became_nothing_is_forgotten(shop: Shop) -> None:
    anna = await shop.enrol()
    kept, open_one, freed = [await shop.reserve(anna) for _ in range(3)]
    await shop.act(confirm(kept))
    await shop.act(ReleaseReservation(call(), freed.id))

    async with Ledger.open(shop.program) as ledger:
        transaction = ledger.connection.transaction()
        await transaction.start()
        await forget_leases(ledger.connection, open_one.until + timedelta(days=1))
        assert await ledger.count("counter_lease") > 0
        await forget_leases(ledger.connection, open_one.until + timedelta(days=1, seconds=1))
        assert await ledger.count("counter_lease") == 0
        await forget_reservations(ledger.connection, open_one.until)
        assert await ledger.count("reservation") == 3
        await forget_reservations(ledger.connection, open_one.until + TEN)
        assert await ledger.count("reservation") == await ledger.count("reservation", "id = $2", kept.id) == 1
        assert await ledger.count("reservation_end") == 1
        await transaction.rollback()
