"""What a turn reads: all that its rules ask for, and once for all who are decided over it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

import pytest

from loyalty_engine.application.asks import ask_for, share_view
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.requests import ClaimOrder, EnrolMember, PlaceOrder, Profile, RecordActivity
from loyalty_engine.core.engine.ruleset import Ruleset
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

AT = parse_instant("2026-01-15T10:00:00Z")
DAY = timedelta(days=1)


class CuriousRuleset(Ruleset):
    """Rules that ask for all there is."""

    __slots__ = ()

    def history_range(self, at: datetime) -> HistoryRange | None:
        return HistoryRange(None, at, with_lines=True)

    def shared_counters(self, at: datetime, activity: str | None = None) -> tuple[str, ...]:
        return (f"{activity or 'order'}|{at:%Y-%m}",)

    def mark_of(self, activity: str, subject: str | None, at: datetime) -> str | None:
        del activity, at
        return subject


class CuriousRulesets(Rulesets):
    async def latest(self, program_id: int) -> Ruleset:
        return curious(await super().latest(program_id))

    async def at(self, program_id: int, number: int) -> Ruleset:
        return curious(await super().at(program_id, number))


def curious(ruleset: Ruleset) -> CuriousRuleset:
    return CuriousRuleset(**{field.name: getattr(ruleset, field.name) for field in fields(ruleset)})


class TellingLedger(Ledger):
    """Tells what was asked."""

    asked: list[Ask]

    async def gather(self, program_id: int, asks: Sequence[Ask]) -> list[Gathered]:
        self.__dict__.setdefault("asked", []).extend(asks)
        return await super().gather(program_id, asks)


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
    shared = share_view(
        [ask(history=HistoryRange(None, AT, with_lines=False)), ask(history=HistoryRange(AT, AT, False))]
    )

    assert {found.history for found in shared} == {HistoryRange(None, AT, with_lines=False)}


async def test_an_order_and_an_activity_ask_for_what_their_rules_read(engines: Engines) -> None:
    engine = await engines.start(rules=CuriousRulesets)
    ruleset = await engine.rulesets.latest(engine.caller.program_id)
    card = parse_identity("card:1")

    bought = ask_for(PlaceOrder(engine.call(), card, order()), ruleset)
    by_guest = ask_for(PlaceOrder(engine.call(), None, order()), ruleset)
    done = ask_for(RecordActivity(engine.call(), card, "survey_answered", AT, "nps"), ruleset)

    assert (bought.history, bought.counters) == (HistoryRange(None, AT, with_lines=True), ("order|2026-01",))
    assert (by_guest.history, by_guest.counters) == (None, ("order|2026-01",))
    assert (done.mark, done.counters) == (("survey_answered", "nps"), ("survey_answered|2026-01",))


async def test_a_claim_asks_again_once_it_knows_when_its_order_was_placed(engines: Engines) -> None:
    engine = await engines.start(TellingLedger, rules=CuriousRulesets)
    assert isinstance(engine.ledger, TellingLedger)
    card, guest = await enrol(engine), engine.call()
    await engine.run(PlaceOrder(guest, None, order(AT - 40 * DAY)))
    engine.ledger.asked.clear()

    outcome = await engine.run(ClaimOrder(engine.call(), guest.operation_id, card))

    assert outcome.refusal_code is None
    assert [(found.history, found.counters) for found in engine.ledger.asked] == [
        (None, ()),
        (HistoryRange(None, AT - 40 * DAY, with_lines=True), ("order|2025-12",)),
    ]


async def test_a_claim_under_rules_that_ask_for_nothing_reads_once(engines: Engines) -> None:
    engine = await engines.start(TellingLedger)
    assert isinstance(engine.ledger, TellingLedger)
    card, guest = await enrol(engine), engine.call()
    await engine.run(PlaceOrder(guest, None, order()))
    engine.ledger.asked.clear()

    await engine.run(ClaimOrder(engine.call(), guest.operation_id, card))

    assert len(engine.ledger.asked) == 1


@pytest.mark.parametrize("count", [1, 3])
async def test_what_counts_once_counts_once_however_many_report_it(
    engines: Engines, ledger: rows.Ledger, count: int
) -> None:
    crowd = [await engines.start(rules=CuriousRulesets) for _ in range(count)]
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
