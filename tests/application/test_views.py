"""What a turn reads: all that its rules ask for, and once for all who are decided over it."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty_engine.application.asks import ask_for, share_view
from loyalty_engine.core.engine.looks import Look
from loyalty_engine.core.engine.requests import (
    Actor,
    ClaimOrder,
    EnrolMember,
    EvaluateOrder,
    PlaceOrder,
    Profile,
    RecordActivity,
)
from loyalty_engine.core.kernel.identities import Identity, parse_identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.ledger import Gathered, Ledger
from tests.application.conftest import Engine, Engines
from tests.harness import ledger as rows
from tests.harness.api import fresh
from tests.harness.programs import Program, document

AT = parse_instant("2026-01-15T10:00:00Z")
DAY = timedelta(days=1)
NEW_YEAR_IN_BERLIN = parse_instant("2025-12-31T23:00:00Z")


class TellingLedger(Ledger):
    """Tells what was asked."""

    asked: list[Ask]

    async def gather(self, program_id: int, asks: Sequence[Ask]) -> list[Gathered]:
        self.__dict__.setdefault("asked", []).extend(asks)
        return await super().gather(program_id, asks)


@pytest.fixture
async def curious(program: Program) -> Program:
    """A program of rules for orders and surveys that look back and share limits."""
    await program.publish(rules_of(gift(3), gift(7, activity="survey_answered", key="thanks")))
    return program


def gift(times: int, *, key: str = "gift", **fields: object) -> dict[str, Any]:
    """Return a rule that gives a regular customer 50 points, so many times in all in a month."""
    return {
        "key": key,
        "wallet": "points",
        "when": {"history": {"calendar": "year"}, "orders": {"at_least": 1}},
        "earn": {"kind": "fixed", "points": 50},
        "limits": [{"per": "program", "times": times, "period": "month"}],
        **fields,
    }


def rules_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {**document(), "earning_rules": list(rules)}


def order(placed_at: datetime = AT) -> Order:
    return Order(ShopOrder(fresh("o")), placed_at, "EUR", (Line("1", 1000, SCALE),))


async def enrol(engine: Engine) -> Identity:
    card = parse_identity(f"card:{fresh('c')}")
    await engine.run(EnrolMember(engine.call(), (card,), Profile()))
    return card


def ask(**fields: object) -> Ask:
    return Ask(1, "", None, **fields)  # type: ignore[arg-type]  # fields of the ask


def test_those_who_share_a_turn_see_what_any_of_them_needs() -> None:
    early = HistoryRange(AT - 9 * DAY, AT, with_lines=False)
    late = HistoryRange(AT - 3 * DAY, AT + DAY, with_lines=True)

    shared = share_view([ask(history=early, counters=("b",)), ask(), ask(history=late, counters=("a", "b"))])

    assert {found.history for found in shared} == {HistoryRange(AT - 9 * DAY, AT + DAY, with_lines=True)}
    assert {found.counters for found in shared} == {("a", "b")}


def test_a_range_without_a_start_has_none_when_it_is_shared() -> None:
    ranges = HistoryRange(None, AT, with_lines=False), HistoryRange(AT, AT, with_lines=False)

    shared = share_view([ask(history=found) for found in ranges])

    assert {found.history for found in shared} == {HistoryRange(None, AT, with_lines=False)}


@pytest.mark.usefixtures("curious")
async def test_an_order_and_an_activity_ask_for_what_their_rules_read(engine: Engine) -> None:
    ruleset = await engine.rulesets.latest(engine.caller.program_id)
    card = parse_identity("card:1")

    bought = ask_for(PlaceOrder(engine.call(), card, order()), ruleset, now=AT)
    by_guest = ask_for(PlaceOrder(engine.call(), None, order()), ruleset, now=AT)
    done = ask_for(RecordActivity(engine.call(), card, "survey_answered", AT, "nps"), ruleset, now=AT)
    cup = ask_for(RecordActivity(engine.call(), card, "own_cup", AT), ruleset, now=AT)

    year = HistoryRange(NEW_YEAR_IN_BERLIN, AT, with_lines=False)
    assert (bought.history, bought.counters) == (year, ("earning/gift/times/month/2026-01",))
    assert (by_guest.history, by_guest.counters) == (None, ("earning/gift/times/month/2026-01",))
    assert (done.history, done.counters) == (year, ("earning/thanks/times/month/2026-01",))
    assert done.mark == ("survey_answered", "nps")
    assert (cup.history, cup.counters, cup.mark) == (None, (), None)


@pytest.mark.usefixtures("curious")
async def test_a_claim_asks_again_once_it_knows_when_its_order_was_placed(engines: Engines) -> None:
    engine = await engines.start(TellingLedger)
    assert isinstance(engine.ledger, TellingLedger)
    card, guest = await enrol(engine), engine.call()
    await engine.run(PlaceOrder(engine.call(), card, order(AT - DAY)))
    await engine.run(PlaceOrder(guest, None, order(AT)))
    engine.ledger.asked.clear()

    outcome = await engine.run(ClaimOrder(engine.call(), guest.operation_id, card))

    assert [effect["points"] for effect in json.loads(outcome.answer)["effects"]] == [50]
    assert [(found.history, found.counters) for found in engine.ledger.asked] == [
        (None, ()),
        (HistoryRange(NEW_YEAR_IN_BERLIN, AT, with_lines=False), ("earning/gift/times/month/2026-01",)),
    ]


async def test_a_claim_under_rules_that_ask_for_nothing_reads_once(engines: Engines) -> None:
    engine = await engines.start(TellingLedger)
    assert isinstance(engine.ledger, TellingLedger)
    card, guest = await enrol(engine), engine.call()
    await engine.run(PlaceOrder(guest, None, order()))
    engine.ledger.asked.clear()

    await engine.run(ClaimOrder(engine.call(), guest.operation_id, card))

    assert len(engine.ledger.asked) == 1


async def test_a_look_asks_again_when_there_are_newer_rules(engines: Engines, program: Program) -> None:
    """It asks for what the rules read, and for nothing that a key or an order did before."""
    engine = await engines.start(TellingLedger)
    assert isinstance(engine.ledger, TellingLedger)
    card = await enrol(engine)
    await engine.run(PlaceOrder(engine.call(), card, order(AT - DAY)))
    engine.ledger.asked.clear()
    await program.publish(rules_of(gift(3)))

    ruleset, found = await engine.executor.look(
        engine.caller, EvaluateOrder(Actor(engine.caller.client_id), card, order())
    )

    assert isinstance(found, Look)
    assert [effect["rule"] for effect in found.answer["effects"]] == ["gift"]
    assert found.answer["revision"] == ruleset.revision
    assert [(asked.key, asked.natural_key, asked.history, asked.counters) for asked in engine.ledger.asked] == [
        (None, None, None, ()),
        (None, None, HistoryRange(NEW_YEAR_IN_BERLIN, AT, with_lines=False), ("earning/gift/times/month/2026-01",)),
    ]


async def test_orders_of_one_turn_see_each_other(engine: Engine, program: Program, ledger: rows.Ledger) -> None:
    """The first order of the year is none of a regular customer, the next ones are; the shared limit ends after three."""
    await program.publish(rules_of(gift(3)))
    card = await enrol(engine)

    outcomes = await asyncio.gather(*(engine.run(PlaceOrder(engine.call(), card, order())) for _ in range(6)))

    gifts = [len(json.loads(outcome.answer)["effects"]) for outcome in outcomes]
    assert gifts == [0, 1, 1, 1, 0, 0]
    writes = await ledger.connection.fetchval(
        "SELECT count(DISTINCT transaction) FROM operation WHERE program_id = $1 AND kind = 'order'", ledger.program_id
    )
    assert writes == 1
    assert await ledger.connection.fetchval("SELECT used FROM counter WHERE program_id = $1", ledger.program_id) == 3
    assert await ledger.faults() == []


@pytest.mark.parametrize("limit", [{"times": 7}, {"points": 333}])
async def test_a_shared_limit_is_given_away_exactly_however_many_want_it(
    engines: Engines, program: Program, ledger: rows.Ledger, limit: dict[str, int]
) -> None:
    rule = gift(1, when={"fact": "order.total", "at_least": 1}, limits=[{"per": "program", **limit}])
    await program.publish(rules_of(rule))
    crowd = [await engines.start() for _ in range(3)]
    cards = [await enrol(crowd[0]) for _ in range(20)]

    outcomes = await asyncio.gather(
        *(engine.run(PlaceOrder(engine.call(), card, order())) for card in cards for engine in crowd)
    )

    assert {outcome.refusal_code for outcome in outcomes} == {None}
    given = [effect["points"] for outcome in outcomes for effect in json.loads(outcome.answer)["effects"]]
    assert sorted(given) == ([50] * 7 if "times" in limit else [33] + [50] * 6)
    assert await ledger.faults() == []


@pytest.mark.parametrize("count", [1, 3])
async def test_what_counts_once_counts_once_however_many_report_it(
    engines: Engines, ledger: rows.Ledger, count: int
) -> None:
    crowd = [await engines.start() for _ in range(count)]
    card = await enrol(crowd[0])

    outcomes = await asyncio.gather(
        *(
            engine.run(RecordActivity(engine.call(), card, "survey_answered", AT, subject))
            for subject in ("nps", "returns")
            for engine in crowd
            for _ in range(8)
        )
    )

    codes = [outcome.refusal_code for outcome in outcomes]
    assert (codes.count(None), codes.count("activity_already_counted")) == (2, 16 * count - 2)
    accepted = {json.loads(outcome.answer)["operation_id"] for outcome in outcomes if outcome.refusal_code is None}
    told = {
        json.loads(outcome.answer)["details"]["operation_id"]
        for outcome in outcomes
        if outcome.refusal_code == "activity_already_counted"
    }
    assert told == accepted
    assert await ledger.count("activity") == await ledger.count("activity_mark") == 2
    assert await ledger.faults() == []
