"""A shop in this process whose members bring friends, over the real database and at a clock that stands still."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.api.problems import render_refusal
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.executor import Caller, Executor
from loyalty_engine.application.reward_referrals import Rewarded, reward_referrals
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.referral_requests import ReferralRequest, RegisterReferral, ReviewReferral
from loyalty_engine.core.engine.requests import (
    Actor,
    Call,
    CancelOrder,
    EnrolMember,
    MergeMembers,
    PlaceOrder,
    Profile,
    Redeem,
    Request,
)
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.codes import code_of
from loyalty_engine.core.referrals.guards import Fingerprint
from loyalty_engine.core.referrals.state import FingerprintKind
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.persistence.connections import connect, create_pool
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.sessions import Sessions
from tests.harness import referrals
from tests.harness.api import fresh
from tests.harness.programs import Json, MakeProgram, Program, document, owner

START: Final = parse_instant("2026-03-02T12:00:00Z")
DAY: Final = timedelta(days=1)
FRIENDS: Final[Mapping[str, Any]] = {
    **referrals.FRIENDS,
    "advocate": {**referrals.FRIENDS["advocate"], "limits": [{"friends": 4, "period": "month"}]},
    "guards": {"per_day": 10},
}
"""As over HTTP, with a limit that is soon reached."""


def document_of_friends(**changes: object) -> Json:
    """Return a document that earns nothing but by referrals; ``changes`` are fields of the programme."""
    return {**document(), "earning_rules": [], "referrals": [{**FRIENDS, **changes}]}


@dataclass
class Shop:
    """Acts of its members, in few words; these are called by name."""

    program: Program
    executor: Executor
    rulesets: Rulesets
    ledger: Ledger
    caller: Caller
    now: datetime = START
    names: dict[str, UUID] = field(default_factory=dict)

    def call(self) -> Call:
        operation_id = uuid7()
        return Call(operation_id, Actor(self.caller.client_id), b"h", str(operation_id))

    async def do(self, request: Request | ReferralRequest) -> Json:
        """Return the answer to a request that is accepted."""
        outcome = await self.executor.execute(self.caller, request)
        assert outcome.refusal_code is None, outcome
        answer: Json = json.loads(outcome.answer)
        return answer

    async def refused(self, request: Request | ReferralRequest) -> str | None:
        """Return why a request is refused."""
        return (await self.executor.execute(self.caller, request)).refusal_code

    async def enrol(self, *names: str) -> None:
        for name in names:
            answer = await self.do(EnrolMember(self.call(), (parse_identity(f"card:{fresh('c')}"),), Profile()))
            self.names[name] = read_id("mem", answer["id"])

    def code(self, who: str) -> FoldedCode:
        code = fold_code(code_of(self.names[who]))
        assert code is not None
        return code

    def registration(self, friend: str, by: str, **prints: str) -> RegisterReferral:
        """Return a request to register a friend; ``prints`` are what it is known by."""
        return RegisterReferral(self.call(), self.names[friend], self.code(by), fingerprints=fingerprints(**prints))

    async def register(self, friend: str, by: str, **prints: str) -> Json:
        return await self.do(self.registration(friend, by, **prints))

    def order(self, who: str, amount: int = 5000, *, by: str | None = None) -> PlaceOrder:
        """Return an order, which a friend may place with its advocate's code."""
        goods = Order(ShopOrder(fresh("o")), self.now, "EUR", (Line("1", amount, SCALE),), channel="web")
        brought = None if by is None else Bringing(self.code(by))
        return PlaceOrder(self.call(), self.names[who], goods, brought=brought)

    async def buy(self, who: str, amount: int = 5000, *, by: str | None = None) -> UUID:
        return read_id("ord", (await self.do(self.order(who, amount, by=by)))["id"])

    async def cancel(self, order_id: UUID) -> Json:
        return await self.do(CancelOrder(self.call(), order_id, "why"))

    async def spend(self, who: str, points: int) -> Json:
        return await self.do(Redeem(self.call(), self.names[who], "points", points))

    async def merge(self, member: str, absorbed: str) -> Json:
        return await self.do(MergeMembers(self.call(), self.names[member], self.names[absorbed], "same"))

    async def review(self, referral_id: str, verdict: Any) -> Json:  # noqa: ANN401 - approve or reject
        return await self.do(ReviewReferral(self.call(), read_id("rfl", referral_id), verdict, "looked at it"))

    async def reward(self) -> Rewarded:
        """Let the worker come by."""
        connection = await connect(self.program.database_url)
        try:
            return await reward_referrals(connection, self.rulesets, self.program.id, now=self.now)
        finally:
            await connection.close()


@asynccontextmanager
async def open_shop(program: Program) -> AsyncIterator[Shop]:
    """Open a shop over a program; its process ends with it."""
    async with owner(program.database_url) as connection:
        client = await connection.fetchrow(
            "SELECT id, generation FROM loyalty.api_client WHERE program_id = $1 ORDER BY id LIMIT 1", program.id
        )
    assert client is not None
    async with create_pool(program.database_url, size=2) as pool:
        ledger = Ledger(program.database_url, gather_connections=1, record_connections=1, batch_limit=32)
        sessions = Sessions(pool)
        rulesets = Rulesets(sessions)
        opened: list[Shop] = []
        clocks = Clocks(sessions, lambda: opened[0].now)
        executor = Executor(ledger, rulesets, clocks=clocks, render_refusal=render_refusal)
        opened.append(Shop(program, executor, rulesets, ledger, Caller(program.id, client["id"], client["generation"])))
        await ledger.start()
        try:
            yield opened[0]
        finally:
            await executor.stop()
            await ledger.stop()


async def make_shop(new_program: MakeProgram, **changes: object) -> Program:
    """Return a program whose programme has these ``changes``."""
    return await new_program(document_of_friends(**changes))


def fingerprints(**prints: str) -> tuple[Fingerprint, ...]:
    """Return fingerprints by their kinds."""
    return tuple(Fingerprint(kind, prints[kind]) for kind in get_args(FingerprintKind) if kind in prints)
