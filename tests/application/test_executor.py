"""The executor's own promises: what it shares, what it never tells too early, whom it never sends away."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from loyalty_engine.core.engine.fold import Write
from loyalty_engine.core.engine.requests import Adjust, EnrolMember, PlaceOrder, Profile, Redeem
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.ledger import Gather, Ledger, Record
from tests.application.conftest import Engine, Engines
from tests.harness import ledger as rows
from tests.harness.api import fresh
from tests.harness.programs import Program, document


async def enrol(engine: Engine, **attributes: bool) -> UUID:
    identity = parse_identity(f"card:{fresh('c')}")
    outcome = await engine.run(EnrolMember(engine.call(), (identity,), Profile(attributes=attributes)))
    return read_id("mem", json.loads(outcome.answer)["id"])


def adjust(engine: Engine, member: UUID, points: int, **call: Any) -> Adjust:  # noqa: ANN401 - fields of the call
    return Adjust(engine.call(**call), member, "points", points, "goodwill")


def buy(engine: Engine, member: UUID, amount: int, **call: Any) -> PlaceOrder:  # noqa: ANN401 - fields of the call
    placed_at = parse_instant("2026-01-15T10:00:00Z")
    order = Order(ShopOrder(fresh("o")), placed_at, "EUR", (Line("1", amount, SCALE),))
    return PlaceOrder(engine.call(**call), member, order)


def available(answer: str) -> int:
    found: int = json.loads(answer)["balances"][0]["available"]
    return found


async def test_requests_of_one_member_share_a_write_and_each_sees_the_one_before(
    engine: Engine, ledger: rows.Ledger
) -> None:
    member = await enrol(engine)

    outcomes = await asyncio.gather(*(engine.run(adjust(engine, member, 10)) for _ in range(8)))

    assert [available(outcome.answer) for outcome in outcomes] == [10, 20, 30, 40, 50, 60, 70, 80]
    writes = await ledger.connection.fetchval(
        "SELECT count(DISTINCT transaction) FROM operation WHERE program_id = $1 AND kind = 'adjustment'",
        ledger.program_id,
    )
    assert writes == 1
    assert await ledger.faults() == []


async def test_a_refusal_among_them_hurts_nobody(engine: Engine, ledger: rows.Ledger) -> None:
    member = await enrol(engine)

    outcomes = await asyncio.gather(
        engine.run(adjust(engine, member, 30)),
        engine.run(Redeem(engine.call(), member, "points", 50)),
        engine.run(adjust(engine, member, 30)),
        engine.run(Redeem(engine.call(), member, "points", 50)),
    )

    assert [outcome.refusal_code for outcome in outcomes] == [None, "insufficient_points", None, None]
    assert available(outcomes[3].answer) == 10
    assert await ledger.faults() == []


async def test_an_order_behind_another_request_is_judged_by_the_members_attributes(
    engine: Engine, program: Program, ledger: rows.Ledger
) -> None:
    rules = document()
    vegan = {"fact": "member.attributes.vegan", "is": True}
    rules["earning_rules"] = [
        {"key": "vegan", "wallet": "points", "when": vegan, "earn": {"kind": "fixed", "points": 50}}
    ]
    await program.publish(rules)
    member = await enrol(engine, vegan=True)

    adjusted, bought = await asyncio.gather(
        engine.run(adjust(engine, member, 1)), engine.run(buy(engine, member, 1000))
    )

    assert (available(adjusted.answer), available(bought.answer)) == (1, 51)
    assert await ledger.faults() == []


async def test_a_twin_in_the_queue_gets_the_same_answer(engine: Engine, ledger: rows.Ledger) -> None:
    member = await enrol(engine)
    request = adjust(engine, member, 10, key="twin")
    twins = [replace(request, call=engine.call("twin")) for _ in range(5)]

    outcomes = await asyncio.gather(*(engine.run(twin) for twin in twins))

    assert len({outcome.answer for outcome in outcomes}) == 1
    assert [outcome.is_replayed for outcome in outcomes] == [False, True, True, True, True]
    assert await ledger.count("operation", "kind = 'adjustment'") == 1


async def test_processes_that_crowd_on_one_member_are_all_served(engines: Engines, ledger: rows.Ledger) -> None:
    crowd = [await engines.start() for _ in range(3)]
    member = await enrol(crowd[0])

    outcomes = await asyncio.gather(*(engine.run(adjust(engine, member, 1)) for _ in range(25) for engine in crowd))

    assert sorted(available(outcome.answer) for outcome in outcomes) == list(range(1, 76))
    assert await ledger.faults() == []


class HopelessLedger(Ledger):
    """Somebody else is always faster: nobody gets through but by the slow lane."""

    async def record(self, program_id: int, write: Write) -> bool:
        del program_id, write
        return False


async def test_whoever_starves_gets_through_by_the_slow_lane(engines: Engines, ledger: rows.Ledger) -> None:
    engine, hopeless = await engines.start(), await engines.start(HopelessLedger)
    member = await enrol(engine)

    outcomes = await asyncio.gather(*(hopeless.run(adjust(engine, member, 10)) for _ in range(3)))

    assert [available(outcome.answer) for outcome in outcomes] == [10, 20, 30]
    assert await ledger.faults() == []


class DyingLedger(HopelessLedger):
    """The connection of the slow lane is lost after the write and before its commit."""

    async def run_locked(
        self,
        program_id: int,
        member_ids: Sequence[UUID],
        counters: Sequence[str],
        turn: Callable[[Gather, Record], Awaitable[Any]],
    ) -> Any:  # noqa: ANN401 - whatever the turn returns
        async def turn_and_die(gather: Gather, record: Record) -> Any:  # noqa: ANN401 - whatever the turn returns
            turned = await turn(gather, record)
            connection = await asyncpg.connect(self._url)
            killed = await connection.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state = 'idle in transaction'"
            )
            await connection.close()
            assert len(killed) == 1
            return turned

        return await super().run_locked(program_id, member_ids, counters, turn_and_die)


async def test_nothing_is_acknowledged_before_it_is_committed(engines: Engines, ledger: rows.Ledger) -> None:
    engine, dying = await engines.start(), await engines.start(DyingLedger)
    member = await enrol(engine)
    before = await ledger.counts()

    with pytest.raises(UnavailableError):
        await dying.run(adjust(engine, member, 10, key="lost"))

    assert await ledger.counts() == before
    again = await engine.run(adjust(engine, member, 10, key="lost"))
    assert (available(again.answer), again.is_replayed) == (10, False)
