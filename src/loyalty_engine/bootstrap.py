"""Builds everything once: connections, rulesets, executor, application."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from loyalty_engine.api.application import create_application
from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.api.problems import render_refusal
from loyalty_engine.application.authenticate import Authenticator
from loyalty_engine.application.clocks import Clock, Clocks
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Executor
from loyalty_engine.application.guesses import Guesses
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.meters import METERS, Exchange, Meters
from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.ledger import Ledger
from loyalty_engine.persistence.sessions import Sessions
from loyalty_engine.settings import Settings
from loyalty_engine.worker.handlers import Handlers, Keeps
from loyalty_engine.worker.worker import Pace, Worker

_SHARE_SECONDS = 1.0
_COLLECT_AFTER = 50_000
"""Allocations between garbage collections: rarer pauses for the requests that share a batch."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def run_services(
    settings: Settings, exchange: Exchange | None = None, *, clock: Clock = _utc_now
) -> AsyncIterator[Services]:
    """Open all connections, hand out the services, and close in order.

    ``exchange`` is where the processes of one service share what they count; without it each counts for itself.
    ``clock`` tells real time.
    """
    assert settings.database_url is not None
    url = settings.database_url
    ledger = Ledger(
        url,
        gather_connections=settings.gather_connections,
        record_connections=settings.record_connections,
        batch_limit=settings.batch_limit,
    )
    async with create_pool(url, size=settings.read_connections) as pool, create_pool(url, size=1) as check_pool:
        sessions, checks = Sessions(pool), Sessions(check_pool)
        rulesets = Rulesets(sessions)
        clocks = Clocks(sessions, clock)
        executor = Executor(ledger, rulesets, clocks=clocks, render_refusal=render_refusal)
        await ledger.start()
        try:
            total_meters = exchange.total if exchange is not None else _own_meters
            guesses = Guesses(clock, per_buyer=settings.guesses_per_buyer, per_client=settings.guesses_per_client)
            yield Services(
                ledger,
                sessions,
                checks,
                rulesets,
                Authenticator(sessions),
                executor,
                clock,
                clocks,
                total_meters,
                guesses,
            )
        finally:
            await executor.stop()
            await ledger.stop()


def build_application(settings: Settings, exchange: Exchange | None = None, *, clock: Clock = _utc_now) -> FastAPI:
    """Return the ASGI application; its connections open when it starts. ``clock`` tells real time."""

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with run_services(settings, exchange, clock=clock) as services, sharing(exchange):
            application.state.services = services
            gc.collect()
            gc.freeze()
            gc.set_threshold(_COLLECT_AFTER, 20, 50)
            yield

    return create_application(lifespan)


def application_from_environment() -> FastAPI:
    """Return the application for servers that start several processes from an import string."""
    return build_application(Settings())


@asynccontextmanager
async def sharing(exchange: Exchange | None) -> AsyncIterator[None]:
    """Show the other processes once a second, and at the end, what this one counted."""
    if exchange is None:
        yield
        return

    stopping = asyncio.Event()

    async def share() -> None:
        while not stopping.is_set():
            await asyncio.to_thread(exchange.leave, exchange.show())
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SHARE_SECONDS)

    sharing = asyncio.create_task(share())
    try:
        yield
    finally:
        stopping.set()
        await sharing
        exchange.leave(exchange.show())


async def run_worker(
    settings: Settings, stopping: asyncio.Event, *, clock: Clock = _utc_now, pace: Pace | None = None
) -> None:
    """Do jobs until ``stopping``. ``clock`` tells real time."""
    assert settings.database_url is not None
    url = settings.database_url
    async with create_pool(url, size=settings.read_connections) as pool:
        sessions = Sessions(pool)
        rulesets, clocks = Rulesets(sessions), Clocks(sessions, clock)
        keeps = Keeps(timedelta(days=settings.keep_refusals_days), timedelta(days=settings.keep_jobs_days))
        handlers = Handlers(url, sessions, rulesets, clocks, clock, ImportForms(), keeps).by_kind()
        await Worker(sessions, handlers, clock=clock, pace=pace).run(stopping)


def _own_meters() -> Meters:
    return METERS
