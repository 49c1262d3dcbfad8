"""The worker: takes jobs, runs each, and tells how far it is. It may be killed at any time; another one goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from loyalty_engine.application.clocks import Clock
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.jobs import EVERYBODY, Job, Kind, claim_job, close_job, postpone_job, renew_job
from loyalty_engine.persistence.sessions import Sessions
from loyalty_engine.worker.schedule import plan_runs

MOST_ATTEMPTS: Final = 5
"""After so many a job is a dead letter: it waits for somebody to look at it."""

_FIRST_PAUSE: Final = timedelta(seconds=5)
"""Before the second attempt; each further pause is four times as long."""


class HopelessError(Exception):
    """Another attempt would end the same way; the text is a stable code and says why."""


@dataclass(slots=True)
class Progress:
    """How far a job is. Whoever runs it sets these; they are stored whenever the lease is renewed, and on ``save``.

    ``params`` is what another attempt begins with.
    """

    save: Callable[[], Awaitable[bool]]
    done: int = 0
    total: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[Job, Progress], Awaitable[Mapping[str, Any]]]
"""Does a job and returns its result. It is cancelled when the job is, or when another worker has taken it over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker looks, and how long it is believed to live without a sign. ``slots`` jobs run at once."""

    look: timedelta = timedelta(seconds=1)
    plan: timedelta = timedelta(seconds=15)
    lease: timedelta = timedelta(seconds=30)
    slots: int = 4


class Worker:
    """Runs jobs until it is told to stop."""

    def __init__(
        self, sessions: Sessions, handlers: Mapping[Kind, Handler], *, clock: Clock, pace: Pace | None = None
    ) -> None:
        self.id: UUID = uuid7()
        self._sessions = sessions
        self._handlers = handlers
        self._clock = clock
        self._pace = pace or Pace()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``; jobs that run then are given back, to go on from where they were."""
        planned_at: datetime | None = None
        while not stopping.is_set():
            now = self._clock()
            try:
                if planned_at is None or now - planned_at >= self._pace.plan:
                    planned_at = now
                    await plan_runs(self._sessions, now)
                is_busy = await self._take_one(now)
            except UnavailableError:
                is_busy = False
            if not is_busy:
                await self._rest(stopping)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _rest(self, stopping: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), self._pace.look.total_seconds())

    async def _take_one(self, now: datetime) -> bool:
        """Take a job if there is a free slot and a job that waits; tell whether there was."""
        if len(self._running) >= self._pace.slots:
            return False
        async with self._sessions.open(EVERYBODY, is_read_only=False) as connection:
            job = await claim_job(connection, self.id, now=now, lease=self._pace.lease)
        if job is None:
            return False
        task = asyncio.create_task(self._do(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def _do(self, job: Job) -> None:
        """Bring one attempt to its end, and write down what it was."""
        log = structlog.get_logger().bind(job=str(job.id), kind=job.kind, program=job.program_id)
        attempt = _Attempt(self._sessions, job, self.id, clock=self._clock, lease=self._pace.lease)
        try:
            result = await attempt.run(self._find_handler(job))
        except HopelessError as error:
            log.warning("job_failed", reason=str(error))
            ended = attempt.close("failed", error=str(error))
        except asyncio.CancelledError:
            if attempt.is_ours:
                ended = attempt.postpone("worker_stopped", pause=timedelta(), counts=False)
            else:
                ended = attempt.close("cancelled")
        except UnavailableError:
            ended = attempt.postpone("unavailable", pause=_FIRST_PAUSE, counts=False)
        except Exception as error:  # noqa: BLE001 - the process edge of a job: whatever it was, the worker lives on
            name = type(error).__name__
            log.warning("job_attempt_failed", attempt=job.attempts, reason=name)
            ended = (
                attempt.close("failed", error=name)
                if job.attempts >= MOST_ATTEMPTS
                else attempt.postpone(name, pause=_FIRST_PAUSE * 4 ** (job.attempts - 1))
            )
        else:
            ended = attempt.close("done", result=result)
        with suppress(UnavailableError):  # the lease runs out, and somebody takes the job over
            await ended

    def _find_handler(self, job: Job) -> Handler:
        if job.attempts > MOST_ATTEMPTS:
            raise HopelessError("worker_lost")
        if job.kind not in self._handlers:
            raise HopelessError("unknown_kind")
        return self._handlers[job.kind]


class _Attempt:
    """One attempt at a job: runs the handler, keeps the lease alive beside it, and ends the job."""

    def __init__(self, sessions: Sessions, job: Job, worker: UUID, *, clock: Clock, lease: timedelta) -> None:
        self._sessions = sessions
        self._job = job
        self._worker = worker
        self._clock = clock
        self._lease = lease
        self._progress = Progress(self.renew, job.done, job.total, dict(job.params))
        self.is_ours = True

    async def run(self, handler: Handler) -> Mapping[str, Any]:
        """Run the handler while the lease is kept; whoever loses it is stopped."""
        work = asyncio.ensure_future(handler(self._job, self._progress))
        keeping = asyncio.create_task(self._keep(work))
        try:
            return await work
        finally:
            keeping.cancel()
            work.cancel()

    async def renew(self) -> bool:
        """Store the progress and prolong the lease; False when the job was cancelled or belongs to another worker."""
        async with self._sessions.open(self._job.program_id, is_read_only=False) as connection:
            self.is_ours = await renew_job(
                connection, self._as_it_is(), self._worker, until=self._clock() + self._lease
            )
        return self.is_ours

    async def _keep(self, work: "asyncio.Future[Mapping[str, Any]]") -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            with suppress(UnavailableError):
                if not await self.renew():
                    work.cancel()
                    return

    async def close(self, status: Any, **more: Any) -> None:  # noqa: ANN401 - handed on as they are
        """End the job."""
        async with self._sessions.open(self._job.program_id, is_read_only=False) as connection:
            await close_job(connection, self._as_it_is(), self._worker, status=status, now=self._clock(), **more)

    async def postpone(self, error: str, *, pause: timedelta, counts: bool = True) -> None:
        """Let the job wait for its next attempt; this one ``counts`` if the job itself was to blame."""
        until = self._clock() + pause
        async with self._sessions.open(self._job.program_id, is_read_only=False) as connection:
            await postpone_job(connection, self._as_it_is(), self._worker, error=error, until=until, counts=counts)

    def _as_it_is(self) -> Job:
        progress = self._progress
        return replace(self._job, done=progress.done, total=progress.total, params=progress.params)
