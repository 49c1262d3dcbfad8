"""An executor in this process, over the real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.api.problems import render_refusal
from loyalty_engine.application.clocks import Clock, Clocks
from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.sessions import Sessions
from tests.harness.programs import Program, owner


@dataclass(frozen=True)
class Engine:
    """The executor, and the caller whose acts it runs."""

    executor: Executor
    rulesets: Rulesets
    ledger: Ledger
    caller: Caller

    def call(self, key: str | None = None, *, digest: bytes = b"h") -> Call:
        operation_id = uuid7()
        return Call(operation_id, Actor(self.caller.client_id), digest, key or str(operation_id))

    async def run(self, request: Asked) -> Outcome:
        return await self.executor.execute(self.caller, request)


class Engines:
    """Starts engines, each like a process of its own."""

    def __init__(self, database_url: str, caller: Caller, pool: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self._url = database_url
        self._caller = caller
        self._pool = pool
        self._started: list[Engine] = []

    async def start(self, kind: type[Ledger] = Ledger, *, clock: Clock = lambda: datetime.now(UTC)) -> Engine:
        ledger = kind(self._url, gather_connections=1, record_connections=1, batch_limit=32)
        sessions = Sessions(self._pool)
        rulesets = Rulesets(sessions)
        executor = Executor(ledger, rulesets, clocks=Clocks(sessions, clock), render_refusal=render_refusal)
        await ledger.start()
        self._started.append(Engine(executor, rulesets, ledger, self._caller))
        return self._started[-1]

    async def stop(self) -> None:
        for engine in self._started:
            await engine.executor.stop()
            await engine.ledger.stop()


@pytest.fixture
async def engines(program: Program) -> AsyncIterator[Engines]:
    async with owner(program.database_url) as connection:
        client = await connection.fetchrow(
            "SELECT id, generation FROM loyalty.api_client WHERE program_id = $1 ORDER BY id LIMIT 1", program.id
        )
    assert client is not None
    async with create_pool(program.database_url, size=2) as pool:
        started = Engines(program.database_url, Caller(program.id, client["id"], client["generation"]), pool)
        yield started
        await started.stop()


@pytest.fixture
async def engine(engines: Engines) -> Engine:
    return await engines.start()
