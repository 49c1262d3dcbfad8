"""Orders, their returns and their claims meet at the rows of the order, however close they come: nobody misses anybody."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write, fold
from loyalty_engine.core.engine.requests import ClaimOrder, PlaceOrder, Request, ReturnGoods
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, Order, ShopOrder, natural_key
from loyalty_engine.persistence.asks import Ask, Returned, Subject
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from tests.harness import ledger as harness
from tests.harness.api import fresh
from tests.harness.programs import Program
from tests.persistence.writes import NOW, RULES, Writer, enrolled, record_all

SOCKS = Goods({"socks": None})
MONTH = timedelta(days=31)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


class Counter:
    """A shop that sells to guests and takes back; each act is decided upon what it saw before."""

    def __init__(self, connection: Connection, program: Program) -> None:
        self.connection, self.program, self.number = connection, program, ShopOrder(fresh("o"))
        self.order: UUID | None = None

    async def see(self, now: datetime = NOW) -> Facts:
        """Gather as a return of the order does, and as the order itself does."""
        key = natural_key(self.number, None)
        subject = Subject(returned=(Returned(self.number, key),))
        ask = Ask(1, "", None, natural_key=key, order_id=self.order, now=now, wants_lots=True, subject=subject)
        (((_, facts),),) = await gather(self.connection, [Question(self.program.id, (ask,))])
        return facts

    def decided(self, facts: Facts, request: Request, now: datetime = NOW) -> Write:
        decision = decide(RULES, facts, request, now)
        assert isinstance(decision, Accepted), decision
        return fold(decision.parts)

    def sale(self, facts: Facts, now: datetime = NOW) -> Write:
        lines = (Line("shirt", 3000, SCALE), Line("socks", 900, SCALE))
        request = PlaceOrder(Writer().call(), None, Order(self.number, NOW, "EUR", lines))
        self.order = request.call.operation_id
        return self.decided(facts, request, now)

    def give_back(self, facts: Facts, goods: Goods = SOCKS) -> Write:
        return self.decided(facts, ReturnGoods(Writer().call(), self.number, goods, NOW))

    async def record(self, write: Write) -> bool:
        return (await record_all(self.connection, self.program.id, write))[0]


@pytest.fixture
def shop(connection: Connection, program: Program) -> Counter:
    return Counter(connection, program)


async def test_a_return_recorded_meanwhile_makes_its_order_look_again(shop: Counter, ledger: harness.Ledger) -> None:
    order = shop.sale(Facts())
    assert await shop.record(shop.give_back(Facts()))

    assert not await shop.record(order)
    seen = await shop.see()
    assert [waiting.goods for waiting in seen.waiting] == [SOCKS]
    assert await shop.record(shop.sale(replace(seen, order=None)))

    assert await ledger.count("return_waiting", "applied_by IS NOT NULL") == 1
    assert await ledger.count("order_change", "number = 1 AND spend = 3000") == 1
    assert await ledger.faults() == []


async def test_an_order_recorded_meanwhile_makes_its_return_look_again(shop: Counter, ledger: harness.Ledger) -> None:
    early = shop.give_back(Facts())
    assert await shop.record(shop.sale(Facts()))

    assert not await shop.record(early)
    seen = await shop.see()
    assert seen.returned[shop.number].id == shop.order
    assert await shop.record(shop.give_back(seen))

    assert await ledger.count("return_waiting") == 0
    assert await ledger.count("order_change") == 1
    assert await ledger.faults() == []


async def test_a_second_return_recorded_meanwhile_is_not_missed(shop: Counter, ledger: harness.Ledger) -> None:
    assert await shop.record(shop.give_back(Facts()))
    order = shop.sale(await shop.see())
    assert await shop.record(shop.give_back(Facts(), Goods({"shirt": None})))

    assert not await shop.record(order)
    assert await shop.record(shop.sale(replace(await shop.see(), order=None)))

    assert await ledger.count("return_waiting", "applied_by IS NOT NULL") == 2
    assert await ledger.count("order_change", "is_gone") == 1
    assert await ledger.faults() == []


async def test_a_return_that_gave_up_waiting_holds_up_no_order(shop: Counter, ledger: harness.Ledger) -> None:
    assert await shop.record(shop.give_back(Facts()))
    late = NOW + MONTH
    seen = await shop.see(late)

    assert seen.waiting == ()
    assert await shop.record(shop.sale(seen, late))

    assert await ledger.count("return_waiting", "applied_by IS NULL") == 1
    assert await ledger.count("order_key", "order_id = $2", shop.order) == 1
    assert await ledger.faults() == []


async def test_a_return_that_asks_for_more_than_the_order_has_holds_it_up_in_no_way(
    shop: Counter, ledger: harness.Ledger
) -> None:
    assert await shop.record(shop.give_back(Facts(), Goods(amount=999_999)))

    assert await shop.record(shop.sale(replace(await shop.see(), order=None)))

    assert await ledger.count("return_waiting", "applied_by IS NULL AND waits_until = $2", NOW) == 1
    assert await ledger.count("order_change") == 0
    assert await ledger.faults() == []


async def test_a_return_that_still_waits_keeps_the_number(shop: Counter, ledger: harness.Ledger) -> None:
    """Whoever did not see it cannot take the number over, not even a moment before it gives up."""
    assert await shop.record(shop.give_back(Facts()))

    assert not await shop.record(shop.sale(Facts(), NOW + timedelta(days=29)))
    assert await ledger.count("order") == 0


async def test_returns_and_orders_of_one_number_cannot_share_a_batch(
    connection: Connection, program: Program, shop: Counter
) -> None:
    writes = shop.give_back(Facts()), shop.sale(Facts())

    with pytest.raises(asyncpg.UniqueViolationError):
        await record_all(connection, program.id, *writes)


async def test_two_returns_of_a_guests_order_count_both(shop: Counter, ledger: harness.Ledger) -> None:
    assert await shop.record(shop.sale(Facts()))
    seen = await shop.see()
    one, other = shop.give_back(seen), shop.give_back(seen, Goods({"shirt": None}))

    assert await shop.record(one)
    assert not await shop.record(other)
    assert await shop.record(shop.give_back(await shop.see(), Goods({"shirt": None})))

    assert await ledger.count("order_change") == 2
    assert await ledger.count("order_change", "is_gone AND number = 2") == 1
    assert await ledger.faults() == []


async def test_a_return_recorded_meanwhile_makes_a_claim_look_again(
    connection: Connection, program: Program, shop: Counter, ledger: harness.Ledger
) -> None:
    assert await shop.record(shop.sale(Facts()))
    assert shop.order is not None
    claimant = await enrolled(connection, program.id)

    async def claim() -> Write:
        facts = replace(await shop.see(), member=claimant.facts.member)
        assert shop.order is not None
        return shop.decided(facts, ClaimOrder(claimant.call(), shop.order, claimant.identity))

    too_early = await claim()
    assert await shop.record(shop.give_back(await shop.see()))

    assert not await shop.record(too_early)
    assert await shop.record(await claim())

    assert await ledger.count("member", "orders = 1 AND spend = 3000") == 1
    assert list((await ledger.nets()).values()) == [30]
    assert await ledger.faults() == []


async def test_a_claim_recorded_meanwhile_makes_a_return_look_again(
    connection: Connection, program: Program, shop: Counter, ledger: harness.Ledger
) -> None:
    assert await shop.record(shop.sale(Facts()))
    assert shop.order is not None
    claimant = await enrolled(connection, program.id)
    by_a_guest = shop.give_back(await shop.see())
    facts = replace(await shop.see(), member=claimant.facts.member)
    assert await shop.record(shop.decided(facts, ClaimOrder(claimant.call(), shop.order, claimant.identity)))

    assert not await shop.record(by_a_guest)

    seen = await shop.see()
    assert seen.member is not None
    assert seen.member.id == seen.returned[shop.number].claimed_by == claimant.member
    assert await shop.record(shop.give_back(seen))
    assert await ledger.count("member", "orders = 1 AND spend = 3000") == 1
    assert await ledger.faults() == []
