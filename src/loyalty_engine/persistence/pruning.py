"""Pruning: what need not be kept for ever goes after a while. Whatever moved value stays."""

from datetime import datetime, timedelta
from typing import Final

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.months import first_id_at

_FORGET_REFUSALS: Final = """
WITH gone AS (DELETE FROM loyalty.refusal WHERE id < $1 RETURNING program_id, id),
     keys AS (DELETE FROM loyalty.idempotency i USING gone
               WHERE i.program_id = gone.program_id AND i.outcome_id = gone.id AND i.is_refusal)
SELECT count(*) FROM gone
"""

_FORGET_FILES: Final = """
WITH gone AS (
    DELETE FROM loyalty.job_file f
     WHERE f.job_id < $1
       AND NOT EXISTS (SELECT FROM loyalty.job j WHERE j.program_id = f.program_id AND j.id = f.job_id
                          AND (j.status IN ('waiting', 'running') OR j.ended_at >= $2))
    RETURNING f.program_id, f.job_id)
SELECT count(DISTINCT (program_id, job_id)) FROM gone
"""

_FORGET_LEASES: Final = """
WITH gone AS (DELETE FROM loyalty.counter_lease WHERE until < $1 RETURNING 1) SELECT count(*) FROM gone
"""

_FORGET_RESERVATIONS: Final = """
WITH gone AS (
    DELETE FROM loyalty.reservation r
     WHERE r.until < $1
       AND NOT EXISTS (SELECT FROM loyalty.reservation_end e
                        WHERE e.program_id = r.program_id AND e.reservation_id = r.id AND e.how = 'confirmed')
    RETURNING r.program_id, r.id
), ends AS (
    DELETE FROM loyalty.reservation_end e USING gone
     WHERE e.program_id = gone.program_id AND e.reservation_id = gone.id)
SELECT count(*) FROM gone
"""

_DEAD_AFTER: Final = timedelta(days=1)
"""How long ago a lease must have run out before nobody's clock takes it for live."""

_BROKEN_OFF_AFTER: Final = timedelta(days=1)
"""How old a file must be before its missing job means that the upload broke off."""


async def forget_refusals(connection: Connection, before: datetime) -> int:
    """Delete refusals made before, each with its key, in one transaction; return how many. Needs the owner's role.

    A key that was refused so long ago is a fresh one again. Keys of what was accepted are kept for ever.
    """
    return int(await connection.fetchval(_FORGET_REFUSALS, first_id_at(before)))


async def forget_files(connection: Connection, now: datetime, before: datetime) -> int:
    """Delete uploaded files, which hold personal data, that nobody will import; return how many. Needs the owner's role.

    Those are files whose upload broke off, and files whose job failed or was cancelled ``before``.
    """
    return int(await connection.fetchval(_FORGET_FILES, first_id_at(now - _BROKEN_OFF_AFTER), before))


async def forget_leases(connection: Connection, now: datetime) -> int:
    """Delete what is left of leases that ran out, which count no more; return how many rows. Needs the owner's role."""
    return int(await connection.fetchval(_FORGET_LEASES, now - _DEAD_AFTER))


async def forget_reservations(connection: Connection, before: datetime) -> int:
    """Delete reservations that ran out before and became no order, with their ends; return how many. Needs the owner's role.

    What they hold must be forgotten first. Their operations are kept for ever.
    """
    return int(await connection.fetchval(_FORGET_RESERVATIONS, before))
