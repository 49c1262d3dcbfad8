"""Writes for tests of record: what decide would hand over, made by deciding."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write, apply, fold
from loyalty_engine.core.engine.requests import (
    Actor,
    Adjust,
    Call,
    ChangeLot,
    EnrolMember,
    HoldPoints,
    PlaceOrder,
    Profile,
    RecordActivity,
    Redeem,
    Request,
)
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.program.document import Program as ProgramDocument
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger import Entry, record
from tests.harness.api import fresh
from tests.harness.programs import DOCUMENT

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
RULES: Final[Ruleset] = compile_ruleset(split(ProgramDocument.model_validate(DOCUMENT)), 1, find_zone=ZoneInfo)

ADD_REFUSAL: Final = """
INSERT INTO loyalty.refusal (program_id, id, code, client_id, booked_at, answer)
VALUES (1, $1, 'member_not_found', 1, now(), '{}') RETURNING tableoid::regclass::text
"""
"""Adds the plainest row of history and tells which partition took it."""


class Writer:
    """One member's acts, each decided upon the one before."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.identity = parse_identity(f"card:{fresh('c')}")

    @property
    def member(self) -> UUID:
        assert self.facts.member is not None
        return self.facts.member.id

    def call(self, key: str | None = None) -> Call:
        return Call(uuid7(), Actor(1), b"hash", key or fresh("k"))

    def enrol(self) -> Write:
        return self.act(EnrolMember(self.call(), (self.identity,), Profile("Ada", None, {"vegan": True})))

    def adjust(self, points: int, *, key: str | None = None) -> Write:
        return self.act(Adjust(self.call(key), self.identity, "points", points, "error", if_short="debt"))

    def redeem(self, points: int) -> Write:
        return self.act(Redeem(self.call(), self.identity, "points", points))

    def buy(self, amount: int, *, pay: int = 0) -> Write:
        order = Order(ShopOrder(fresh("o")), parse_instant("2026-01-15T10:00:00Z"), "EUR", (Line("1", amount, SCALE),))
        return self.act(PlaceOrder(self.call(), self.identity, order, Payment("points", pay) if pay else None))

    def prolong(self) -> Write:
        """Let the points that came last expire after a year."""
        assert self.facts.member is not None
        lot = max(lot.id for lot in self.facts.member.lots if lot.remaining)
        expires_at = NOW + timedelta(days=365)
        request = ChangeLot(
            self.call(), lot, changes_expiry=True, expires_at=expires_at, activates=False, reason="goodwill"
        )
        return self.act(request)

    def hold(self, points: int) -> Write:
        return self.act(HoldPoints(self.call(), self.identity, "points", points, timedelta(hours=1)))

    def report(self, subject: str | None = None) -> Write:
        """Report an activity: a survey, which counts once per subject, or without one an own cup."""
        kind, occurred_at = "survey_answered" if subject else "own_cup", parse_instant("2026-01-15T10:00:00Z")
        self.facts = replace(self.facts, marked_by=None)
        return self.act(RecordActivity(self.call(), self.identity, kind, occurred_at, subject))

    def act(self, request: Request) -> Write:
        return fold([self.decide(request)])

    def decide(self, request: Request) -> Changes:
        decision = decide(RULES, self.facts, request, NOW)
        assert isinstance(decision, Accepted), decision
        self.facts = apply(self.facts, decision.changes)
        return decision.changes


async def record_all(connection: Connection, program_id: int, *writes: Write) -> list[bool]:
    """Record writes as one batch."""
    return await record(connection, [Entry(program_id, write) for write in writes])


async def enrolled(connection: Connection, program_id: int, points: int = 0) -> Writer:
    """Return a member that is recorded, with so many points."""
    writer = Writer()
    assert await record_all(connection, program_id, writer.enrol()) == [True]
    if points:
        assert await record_all(connection, program_id, writer.adjust(points)) == [True]
    return writer
