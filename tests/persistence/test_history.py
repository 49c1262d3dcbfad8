"""History: gather reads the orders that rules ask for, the newest first, and since when a member is one."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.engine.requests import ClaimOrder, PlaceOrder
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.history import HistoryRange, PastOrder
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from tests.harness import ledger as harness
from tests.harness.api import fresh
from tests.harness.programs import Program, owner
from tests.persistence.writes import NOW, Writer, enrolled, record_all

MANY_ORDERS: Final = """
WITH bought AS (
    INSERT INTO loyalty."order" (program_id, id, member_id, placed_at, currency, goods_total, shipping,
                                 paid_with_points, lines, rest)
    SELECT $1, gen_random_uuid(), CASE n % 2 WHEN 0 THEN $2::uuid END,
           timestamptz '2026-01-01T00:00:00Z' + n * interval '1 minute', 'EUR', n, 0, 0, '[]', '{}'
      FROM generate_series(1, 1200) n
    RETURNING id, member_id
)
INSERT INTO loyalty.order_claim (program_id, order_id, member_id, operation_id)
SELECT $1, id, $2, gen_random_uuid() FROM bought WHERE member_id IS NULL
"""
"""Every second order was claimed. The last of them are the newest."""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


def placed(day: int) -> datetime:
    return parse_instant(f"2026-01-{day:02}T10:00:00Z")


def order(day: int, *lines: Line, shipping: int = 0) -> Order:
    return Order(ShopOrder(fresh("o")), placed(day), "EUR", lines, shipping=shipping)


async def buy(connection: Connection, program: Program, writer: Writer, bought: Order, *, pay: int = 0) -> None:
    payment = Payment("points", pay) if pay else None
    write = writer.act(PlaceOrder(writer.call(), writer.identity, bought, payment))
    assert await record_all(connection, program.id, write) == [True]


async def read_member(
    connection: Connection, program: Program, writer: Writer, history: HistoryRange | None
) -> MemberState:
    ask = Ask(1, "", None, identity=writer.identity, history=history)
    (((_, facts),),) = await gather(connection, [Question(program.id, (ask,))])
    assert facts.member is not None
    return facts.member


def until(day: int, *, since: int | None = None, with_lines: bool = False) -> HistoryRange:
    return HistoryRange(placed(since) if since else None, placed(day), with_lines)


async def test_history_is_read_newest_first_within_its_range(connection: Connection, program: Program) -> None:
    writer = await enrolled(connection, program.id, 100)
    await buy(
        connection, program, writer, order(12, Line("1", 900, SCALE), Line("2", 100, SCALE), shipping=490), pay=50
    )
    await buy(connection, program, writer, order(10, Line("1", 20, SCALE)), pay=20)
    await buy(connection, program, writer, order(14, Line("1", 300, SCALE)))
    await buy(connection, program, await enrolled(connection, program.id), order(13, Line("1", 7, SCALE)))

    async def spend(history: HistoryRange | None) -> list[tuple[int, int]]:
        found = (await read_member(connection, program, writer, history)).history
        return [(past.placed_at.day, past.spend) for past in found]

    assert await spend(None) == []
    assert await spend(until(31)) == [(14, 300), (12, 950), (10, 0)]
    assert await spend(until(14, since=12)) == [(14, 300), (12, 950)]
    assert await spend(until(13, since=11)) == [(12, 950)]
    assert await spend(until(9)) == []


async def test_lines_come_with_history_where_they_are_asked_for(connection: Connection, program: Program) -> None:
    writer = await enrolled(connection, program.id)
    line = Line("1", 900, 1_500_000, "espresso", "coffee", "Acme", "kg", {"own_cup": True}, tax=59)
    await buy(connection, program, writer, order(12, line))

    without = await read_member(connection, program, writer, until(31))
    with_lines = await read_member(connection, program, writer, until(31, with_lines=True))

    assert without.history == (PastOrder(placed(12), 900),)
    assert with_lines.history == (PastOrder(placed(12), 900, (line,)),)


async def test_an_order_that_was_claimed_is_part_of_history(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer, guest = await enrolled(connection, program.id), Writer()
    await buy(connection, program, writer, order(14, Line("1", 300, SCALE)))
    placing = guest.decide(PlaceOrder(guest.call(), None, order(12, Line("1", 800, SCALE), shipping=90)))
    assert await record_all(connection, program.id, fold([placing])) == [True]
    ask = Ask(1, "", None, identity=writer.identity, order_id=placing.operation.id)
    (((_, facts),),) = await gather(connection, [Question(program.id, (ask,))])
    writer.facts = facts
    claim = writer.act(ClaimOrder(writer.call(), placing.operation.id, writer.identity))
    assert await record_all(connection, program.id, claim) == [True]

    found = await read_member(connection, program, writer, until(31))

    assert [(past.placed_at.day, past.spend) for past in found.history] == [(14, 300), (12, 800)]
    assert await ledger.faults() == []


async def test_history_is_the_newest_thousand_orders(connection: Connection, program: Program) -> None:
    writer = await enrolled(connection, program.id)
    async with owner(program.database_url) as setup:
        await setup.execute(MANY_ORDERS, program.id, writer.member)

    found = (await read_member(connection, program, writer, until(31))).history

    assert [past.spend for past in found] == list(range(1200, 200, -1))


async def test_a_member_knows_since_when_it_is_one(connection: Connection, program: Program) -> None:
    writer, buyer = await enrolled(connection, program.id), Writer()
    buyer.facts = Facts()
    assert await record_all(connection, program.id, buyer.buy(1000)) == [True]

    for enrolled_one in (writer, buyer):
        assert (await read_member(connection, program, enrolled_one, None)).enrolled_at == NOW


async def test_a_member_of_the_release_before_is_enrolled_since_its_first_operation(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    assert await record_all(connection, program.id, writer.adjust(5)) == [True]
    await ledger.connection.execute("UPDATE member SET enrolled_at = NULL WHERE program_id = $1", program.id)

    found = await read_member(connection, program, writer, None)
    assert found.enrolled_at == NOW
    writer.facts = Facts(member=found)
    assert await record_all(connection, program.id, writer.adjust(5)) == [True]

    assert await ledger.count("member", "enrolled_at = $2", NOW) == 1


async def test_a_stranger_has_no_history(connection: Connection, program: Program) -> None:
    ask = Ask(1, "", None, member_id=uuid7(), history=until(31))
    (((_, facts),),) = await gather(connection, [Question(program.id, (ask,))])
    assert facts == Facts()
