"""What each kind of job does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from loyalty_engine.application.adopt_ladders import Adopted, adopt_ladders
from loyalty_engine.application.clocks import Clock, Clocks
from loyalty_engine.application.generate_codes import NoRoomError, generate_codes
from loyalty_engine.application.imports.rows import Forms
from loyalty_engine.application.reward_referrals import reward_referrals
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.application.run_import import run_import
from loyalty_engine.application.settle_due_points import settle_due_points
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.code_pools import list_low
from loyalty_engine.persistence.connections import APPLICATION_ROLE, OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.invariants.reservations import KEPT_DAYS
from loyalty_engine.persistence.jobs import Job, Kind, forget_jobs
from loyalty_engine.persistence.partitions import make_partitions
from loyalty_engine.persistence.posting_days import find_unsummed, sum_up_day
from loyalty_engine.persistence.pruning import forget_files, forget_leases, forget_refusals, forget_reservations
from loyalty_engine.persistence.sessions import Sessions
from loyalty_engine.worker.worker import Handler, HopelessError, Progress

_log = structlog.get_logger()

_RESERVATIONS_KEPT: Final = timedelta(days=KEPT_DAYS)
_SHOWN: Final = 20
"""How many members a result names."""


def _kept(done: Adopted) -> dict[str, Any]:
    return {
        "last": str(done.last),
        "members": done.members,
        "moved": done.moved,
        "unsettled": [str(member) for member in done.unsettled],
    }


def _adopted(params: Mapping[str, Any]) -> Adopted:
    """Return how far an earlier attempt came."""
    unsettled = tuple(UUID(member) for member in params.get("unsettled", ()))
    last = UUID(params["last"]) if "last" in params else UUID(int=0)
    return Adopted(last, params.get("members", 0), params.get("moved", 0), unsettled)


@dataclass(frozen=True, slots=True)
class Keeps:
    """How long what moved no value is kept."""

    refusals: timedelta = timedelta(days=90)
    jobs: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Handlers:
    """The work of all kinds over one database. Each job opens connections of its own: it may take as long as it takes."""

    url: str
    sessions: Sessions
    rulesets: Rulesets
    clocks: Clocks
    clock: Clock
    forms: Forms
    keeps: Keeps = Keeps()

    def by_kind(self) -> Mapping[Kind, Handler]:
        """Return what does each kind of job."""
        return {
            "settle": self.settle,
            "reward_referrals": self.reward_referrals,
            "import": self.import_rows,
            "codes": self.make_codes,
            "adopt_ladders": self.adopt_ladders,
            "partitions": self.make_partitions,
            "roll_up": self.roll_up,
            "prune": self.prune,
        }

    async def settle(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Book what became due in a program."""

        def tell(count: int) -> None:
            progress.done += count

        now = await self.clocks.now(job.program_id)
        async with self._open() as reader, self._open() as writer:
            settled = await settle_due_points((reader, writer), self.rulesets, job.program_id, now=now, tell=tell)
        unsettled = [show_id("mem", member) for member in settled.unsettled]
        return {"members": settled.members, "unsettled": len(unsettled), "unsettled_members": unsettled[:_SHOWN]}

    async def reward_referrals(self, job: Job, _: Progress) -> Mapping[str, Any]:
        """Reward the referrals of a program that are due."""
        now = await self.clocks.now(job.program_id)
        async with self._open() as connection:
            rewarded = await reward_referrals(connection, self.rulesets, job.program_id, now=now)
        unrewarded = [show_id("rfl", referral) for referral in rewarded.unrewarded]
        return {
            "referrals": rewarded.referrals,
            "unrewarded": len(unrewarded),
            "unrewarded_referrals": unrewarded[:_SHOWN],
        }

    async def import_rows(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Import an uploaded file."""

        async def keep(done: int, total: int | None, params: Mapping[str, Any]) -> bool:
            progress.done, progress.total, progress.params = done, total, dict(params)
            return await progress.save()

        async with self._open() as own, self._open() as one, self._open() as other:
            result = await run_import(
                (own, one, other),
                self.rulesets,
                job.program_id,
                job,
                clocks=self.clocks,
                forms=self.forms,
                progress=keep,
            )
        if result is None:
            raise asyncio.CancelledError  # the lease is lost, or the job was cancelled: ``save`` said so
        return result.as_json()

    async def make_codes(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Fill a pool with codes."""

        def tell(count: int) -> None:
            progress.done = count

        pool, count = job.params["pool"], job.params["count"]
        async with self._open() as connection, self._open_if_allowed(OWNER_ROLE) as owner:
            try:
                made = await generate_codes((connection, owner), job.program_id, pool, count, tell=tell)
            except NoRoomError:
                raise HopelessError("no_room") from None
        return {"pool": pool, "codes": made}

    async def adopt_ladders(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Lead all members of a program where ladders say that were published."""

        async def keep(done: Adopted) -> bool:
            progress.done, progress.params = done.members, {**job.params, **_kept(done)}
            return await progress.save()

        now = await self.clocks.now(job.program_id)
        async with self._open() as connection:
            begin = _adopted(job.params)
            done = await adopt_ladders(connection, self.rulesets, job.program_id, now=now, begin=begin, keep=keep)
        if done is None:
            raise asyncio.CancelledError  # the lease is lost, or the job was cancelled: ``save`` said so
        unsettled = [show_id("mem", member) for member in done.unsettled]
        return {
            "members": done.members,
            "moved": done.moved,
            "unsettled": len(unsettled),
            "unsettled_members": unsettled[:_SHOWN],
        }

    async def make_partitions(self, _: Job, __: Progress) -> Mapping[str, Any]:
        """Make the partitions of the next months."""
        return {"made": await make_partitions(self.url, self.clock())}

    async def roll_up(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Sum up the postings of all days that are over."""
        assert job.period is not None
        async with self._open(OWNER_ROLE) as connection:
            days = await find_unsummed(connection, job.period.date())
            progress.total = len(days)
            for day in days:
                await sum_up_day(connection, day)
                progress.done += 1
        return {"days": len(days)}

    async def prune(self, _: Job, __: Progress) -> Mapping[str, Any]:
        """Delete old refusals, periodic runs, files that nobody will import, and reservations that became nothing; tell low pools."""
        now = self.clock()
        async with self._open(OWNER_ROLE) as connection:
            refusals = await forget_refusals(connection, now - self.keeps.refusals)
            files = await forget_files(connection, now, now - self.keeps.jobs)
            jobs = await forget_jobs(connection, now - self.keeps.jobs)
            leases = await forget_leases(connection, now)
            reservations = await forget_reservations(connection, now - _RESERVATIONS_KEPT)
            for program_id, pool, left in await list_low(connection):
                _log.warning("code_pool_low", program=program_id, pool=pool, left=left)
        return {"refusals": refusals, "files": files, "jobs": jobs, "leases": leases, "reservations": reservations}

    @asynccontextmanager
    async def _open_if_allowed(self, role: str) -> AsyncIterator[Connection | None]:
        """Open a connection, or none where this process may not act as that role."""
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._open(role))
            except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError):
                connection = None
            yield connection

    @asynccontextmanager
    async def _open(self, role: str = APPLICATION_ROLE) -> AsyncIterator[Connection]:
        connection = await connect(self.url, role=role, statement_timeout="0")
        try:
            yield connection
        finally:
            connection.terminate()
