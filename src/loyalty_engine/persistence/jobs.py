"""Jobs: rows of work that a worker takes one by one, each by one worker at a time, however many there are.

Whoever holds a job renews its lease; when that runs out, its worker is dead, and another one takes the job over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from loyalty_engine.persistence.connections import Connection

Status = Literal["waiting", "running", "done", "failed", "cancelled"]

Kind = Literal["settle", "reward_referrals", "import", "codes", "adopt_ladders", "partitions", "roll_up", "prune"]
"""What jobs do. The last three are about no single program."""

EVERYBODY: Final = 0
"""The program of jobs that are about no single one."""

_CLAIM: Final = "SELECT * FROM loyalty.claim_job_v4($1, $2, $3)"

_ADD: Final = """
INSERT INTO loyalty.job (program_id, id, kind, period, client_id, params, total, created_at, run_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING
"""

_RENEW: Final = """
UPDATE loyalty.job
   SET done = $4, total = $5, params = $6, leased_until = $7
 WHERE program_id = $1 AND id = $2 AND status = 'running' AND worker = $3 AND NOT wants_cancel
"""

_CLOSE: Final = """
UPDATE loyalty.job
   SET status = $7, result = $8, error = $9, ended_at = $10, done = $4, total = $5, params = $6, leased_until = NULL
 WHERE program_id = $1 AND id = $2 AND status = 'running' AND worker = $3
"""

_POSTPONE: Final = """
UPDATE loyalty.job
   SET status = 'waiting', error = $7, run_after = $8, attempts = attempts - $9, done = $4, total = $5, params = $6,
       leased_until = NULL
 WHERE program_id = $1 AND id = $2 AND status = 'running' AND worker = $3
"""

_CANCEL: Final = """
UPDATE loyalty.job
   SET wants_cancel = true,
       status = CASE status WHEN 'waiting' THEN 'cancelled' ELSE status END,
       ended_at = CASE status WHEN 'waiting' THEN $3 ELSE ended_at END
 WHERE program_id = $1 AND id = $2 AND status IN ('waiting', 'running')
"""

_RETRY: Final = """
UPDATE loyalty.job
   SET status = 'waiting', attempts = 0, wants_cancel = false, error = NULL, run_after = $3, ended_at = NULL
 WHERE program_id = $1 AND id = $2 AND status IN ('failed', 'cancelled')
"""

_LIST: Final = """
SELECT *
  FROM loyalty.job
 WHERE program_id = $1 AND id < $2 AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR kind = $4)
 ORDER BY id DESC LIMIT $5
"""

_FORGET: Final = """
DELETE FROM loyalty.job
 WHERE ended_at < $1 AND (status = 'done' OR ended_at < $1 - interval '1 year') AND period IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work. ``period`` is the due time of a periodic run; ``params`` say what to do and how far it got.

    ``error`` is why it failed, or why it waits for another attempt.
    """

    program_id: int
    id: UUID
    kind: Kind
    status: Status
    period: datetime | None
    params: Mapping[str, Any]
    done: int
    total: int | None
    result: Mapping[str, Any] | None
    error: str | None
    attempts: int
    wants_cancel: bool
    created_at: datetime
    run_after: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done. Of a periodic run there is one per kind and ``period``."""

    program_id: int
    id: UUID
    kind: Kind
    period: datetime | None = None
    client_id: int | None = None
    params: Mapping[str, Any] | None = None
    total: int | None = None


async def add_job(connection: Connection, new: NewJob, *, now: datetime, wait: timedelta = timedelta()) -> bool:
    """Add a job that may run after a ``wait`` from ``now`` on; tell whether it is new, a periodic run may be there already."""
    params = orjson.dumps(new.params or {}).decode()
    tag: str = await connection.execute(
        _ADD, new.program_id, new.id, new.kind, new.period, new.client_id, params, new.total, now, now + wait
    )
    return tag == "INSERT 0 1"


async def claim_job(connection: Connection, worker: UUID, *, now: datetime, lease: timedelta) -> Job | None:
    """Take the job that has waited longest, of any program; it is ours until the lease runs out."""
    row = await connection.fetchrow(_CLAIM, worker, now, lease)
    return None if row is None else _read(row)


async def renew_job(connection: Connection, job: Job, worker: UUID, *, until: datetime) -> bool:
    """Store how far a job is and prolong the lease; False when it is not ours any more, or was cancelled: then stop."""
    tag: str = await connection.execute(_RENEW, *_state_of(job, worker), until)
    return tag == "UPDATE 1"


async def close_job(
    connection: Connection,
    job: Job,
    worker: UUID,
    *,
    status: Literal["done", "failed", "cancelled"],
    now: datetime,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """End a job as far as it is; False when it is not ours any more."""
    shown = None if result is None else orjson.dumps(result).decode()
    tag: str = await connection.execute(_CLOSE, *_state_of(job, worker), status, shown, error, now)
    return tag == "UPDATE 1"


async def postpone_job(
    connection: Connection, job: Job, worker: UUID, *, error: str, until: datetime, counts: bool
) -> bool:
    """Let a job wait for another attempt; this one ``counts`` or not. False when the job is not ours any more."""
    tag: str = await connection.execute(_POSTPONE, *_state_of(job, worker), error, until, 0 if counts else 1)
    return tag == "UPDATE 1"


def _state_of(job: Job, worker: UUID) -> tuple[object, ...]:
    return job.program_id, job.id, worker, job.done, job.total, orjson.dumps(job.params).decode()


async def cancel_job(connection: Connection, program_id: int, job_id: UUID, *, now: datetime) -> bool:
    """Cancel a job that waits, or ask whoever runs it to stop; False when it has ended."""
    tag: str = await connection.execute(_CANCEL, program_id, job_id, now)
    return tag == "UPDATE 1"


async def retry_job(connection: Connection, program_id: int, job_id: UUID, *, now: datetime) -> bool:
    """Let a job that failed or was cancelled run again from where it stopped; False when it did not."""
    tag: str = await connection.execute(_RETRY, program_id, job_id, now)
    return tag == "UPDATE 1"


async def find_job(connection: Connection, program_id: int, job_id: UUID) -> Job | None:
    """Return a job of a program."""
    row = await connection.fetchrow("SELECT * FROM loyalty.job WHERE program_id = $1 AND id = $2", program_id, job_id)
    return None if row is None else _read(row)


async def list_jobs(
    connection: Connection, program_id: int, *, status: Status | None, kind: str | None, before: UUID, limit: int
) -> list[Job]:
    """Return jobs of a program with ids below ``before``, newest first."""
    return [_read(row) for row in await connection.fetch(_LIST, program_id, before, status, kind, limit)]


async def list_programs_due(connection: Connection, now: datetime) -> list[int]:
    """Return the programs in which something became due, each by its own clock; ``now`` is real time."""
    rows = await connection.fetch("SELECT * FROM loyalty.programs_due_v4($1) due(id)", now)
    return [row["id"] for row in rows]


async def forget_jobs(connection: Connection, before: datetime) -> int:
    """Delete periodic runs that ended before; failed ones a year later. Needs the owner's role."""
    tag = await connection.execute(_FORGET, before)
    return int(tag.rpartition(" ")[2])


def _read(row: Any) -> Job:  # noqa: ANN401 - asyncpg has no types
    found = {name: row[name] for name in _FIELDS}
    result = found["result"]
    found["result"] = None if result is None else orjson.loads(result)
    return Job(**{**found, "params": orjson.loads(found["params"])})


_FIELDS: Final = tuple(field.name for field in fields(Job))
