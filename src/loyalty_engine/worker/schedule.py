"""The schedule: which runs come again and again. Each is a job, and is there once per due time over all workers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from uuid_utils.compat import uuid7

from loyalty_engine.persistence.jobs import EVERYBODY, Kind, NewJob, add_job, list_programs_due
from loyalty_engine.persistence.referrals import list_programs_with_due_referrals
from loyalty_engine.persistence.sessions import Sessions

_DAWN: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A run that is about no single program: how often it is due, and how long after the beginning of each period."""

    kind: Kind
    every: timedelta
    after: timedelta = timedelta()


PERIODIC: Final = (
    Periodic("partitions", timedelta(hours=6)),
    Periodic("roll_up", timedelta(days=1), after=timedelta(hours=1)),  # whoever began to write before midnight is done
    Periodic("prune", timedelta(days=1), after=timedelta(hours=2)),
)

SETTLE_EVERY: Final = timedelta(minutes=1)
REWARD_EVERY: Final = timedelta(minutes=1)


def find_due(now: datetime) -> Iterator[NewJob]:
    """Yield the latest run of each kind that is due by ``now``, which is real time."""
    for run in PERIODIC:
        yield NewJob(EVERYBODY, uuid7(), run.kind, period=period_of(now - run.after, run.every))


def period_of(now: datetime, every: timedelta) -> datetime:
    """Return when the period began in which ``now`` lies."""
    return now - (now - _DAWN) % every


async def plan_runs(sessions: Sessions, now: datetime) -> int:
    """Add the runs that are due by now, and one for each program in which something is; return how many."""
    async with sessions.open(EVERYBODY, is_read_only=False) as connection:
        added = [await add_job(connection, run, now=now) for run in find_due(now)]
        settling = await list_programs_due(connection, now)
        rewarding = await list_programs_with_due_referrals(connection, now)
    runs = [NewJob(program, uuid7(), "settle", period=period_of(now, SETTLE_EVERY)) for program in settling]
    runs += [NewJob(program, uuid7(), "reward_referrals", period=period_of(now, REWARD_EVERY)) for program in rewarding]
    for run in runs:
        program_id = run.program_id
        async with sessions.open(program_id, is_read_only=False) as connection:
            added.append(await add_job(connection, run, now=now))
    return sum(added)
