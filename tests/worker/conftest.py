"""Workers over a database of their own: jobs of other tests would get in their way."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.jobs import EVERYBODY, Job, Kind, NewJob, add_job, find_job
from loyalty_engine.persistence.sessions import Sessions
from loyalty_engine.worker.worker import Handler, Pace, Worker

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUICK = Pace(look=timedelta(milliseconds=5), plan=timedelta(days=999), lease=timedelta(seconds=0.3))


@dataclass
class Shop:
    """A database with workers, whose clock stands still until somebody moves it."""

    url: str
    sessions: Sessions
    now: datetime = NOW
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def hire(self, handlers: Mapping[Kind, Handler], *, pace: Pace = QUICK) -> Worker:
        """Let one more worker begin."""
        worker = Worker(self.sessions, handlers, clock=lambda: self.now, pace=pace)
        self.tasks.append(asyncio.create_task(worker.run(self.stopping)))
        return worker

    async def close(self) -> None:
        """Send all workers home."""
        self.stopping.set()
        await asyncio.gather(*self.tasks)

    async def add(self, kind: Kind = "settle", **params: Any) -> NewJob:  # noqa: ANN401 - whatever a handler takes
        """Add a job of everybody's."""
        new = NewJob(EVERYBODY, uuid7(), kind, params=params)
        async with self.sessions.open(EVERYBODY, is_read_only=False) as connection:
            assert await add_job(connection, new, now=self.now)
        return new

    async def read(self, new: NewJob) -> Job:
        """Read a job."""
        async with self.sessions.open(new.program_id) as connection:
            job = await find_job(connection, new.program_id, new.id)
        assert job is not None
        return job

    async def wait_for(self, new: NewJob, *statuses: str, error: str | None = None) -> Job:
        """Wait until a job has come to one of these, and to that error if one is named."""
        for _ in range(2_000):
            job = await self.read(new)
            if job.status in statuses and error in {None, job.error}:
                return job
            await asyncio.sleep(0.005)
        raise AssertionError(job)

    async def rows(self, query: str, *values: object) -> list[Any]:
        """Read rows with all rights."""
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()


@pytest.fixture
async def shop(fresh_url: str) -> AsyncIterator[Shop]:
    """A database with workers."""
    async with create_pool(fresh_url, size=8) as pool:
        opened = Shop(fresh_url, Sessions(pool))
        yield opened
        await opened.close()
