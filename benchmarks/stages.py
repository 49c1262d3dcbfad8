"""Where the service's time goes: the pure parts timed alone, HTTP by a request without a key, the rest by difference."""

import timeit
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import uvloop
from uuid_utils.compat import uuid7

from benchmarks.cpu import family_cpu_seconds
from benchmarks.load import run_load
from benchmarks.stack import FIRST_CARD, Stack, rules_document
from benchmarks.traffic import LINES
from loyalty_engine.api.bodies import BodyReader, digest
from loyalty_engine.api.schemas.orders import OrderBody
from loyalty_engine.application.world import find_zone
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.engine.requests import Actor, Call, PlaceOrder
from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.persistence.rows import rows_of

_TIMES: Final = 2_000
_NOTHING: Final = b"POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
"""Refused at the door: it travels the whole way in and out, and nothing is looked up for it."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Microseconds of one accrual in the service, of its own CPU time."""

    http: float
    body: float
    core: float
    rows: float

    def describe(self, total: float, database: float) -> str:
        """Return the split of ``total`` microseconds in the service, and what PostgreSQL took beside it."""
        rest = max(total - self.http - self.body - self.core - self.rows, 0.0)
        return (
            f"µs per accrual: HTTP {self.http:.0f}, body {self.body:.0f}, core {self.core:.0f}, rows {self.rows:.0f}, "
            f"driver and event loop {rest:.0f}; database {database:.0f}"
        )


def measure_stages(stack: Stack) -> Stages:
    """Time the stages of an accrual of five lines under 20 rules."""
    raw = (
        '{"receipt":{"location":"berlin-1","till":"3","business_date":"2026-11-21","number":"1"},'
        f'"member":"card:{FIRST_CARD + 1}","placed_at":"2026-11-21T10:15:00+01:00","currency":"EUR",'
        f'"channel":"pos","lines":{LINES}}}'
    ).encode()
    reader = BodyReader(OrderBody)
    body, parsed = reader.read(raw)
    order = body.as_order_at(body.placed_at, None)
    request = PlaceOrder(Call(uuid7(), Actor(1), b"hash", "key"), body.member, order)
    member = MemberState(uuid7(), 3, 3, "active", datetime.now(UTC), balances={"points": Balance(100)})
    ruleset = compile_ruleset(split(Program.model_validate(rules_document())), 1, find_zone=find_zone)
    facts, now = Facts(member=member), datetime.now(UTC)
    decision = decide(ruleset, facts, request, now)
    assert isinstance(decision, Accepted)
    write = fold([decision.changes])
    return Stages(
        http=_http_micros(stack),
        body=_micros(lambda: (reader.read(raw), digest("post_order", parsed), body.as_order_at(body.placed_at, None))),
        core=_micros(lambda: (decide(ruleset, facts, request, now), fold([decision.changes]))),
        rows=_micros(lambda: rows_of([write])),
    )


def _http_micros(stack: Stack) -> float:
    before = family_cpu_seconds(stack.service_pid)
    answers = uvloop.run(run_load(stack.urls, lambda: _NOTHING, connections=32, seconds=3)).answers
    return (family_cpu_seconds(stack.service_pid) - before) / answers * 1e6


def _micros(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=_TIMES, repeat=5)) / _TIMES * 1e6
