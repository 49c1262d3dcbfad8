"""Pruning: what need not be kept for ever goes after a while. Whatever moved value stays."""

from datetime import datetime
from typing import Final

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.months import first_id_at

_FORGET_REFUSALS: Final = """
WITH gone AS (DELETE FROM loyalty.refusal WHERE id < $1 RETURNING program_id, id),
     keys AS (DELETE FROM loyalty.idempotency i USING gone
               WHERE i.program_id = gone.program_id AND i.outcome_id = gone.id AND i.is_refusal)
SELECT count(*) FROM gone
"""


async def forget_refusals(connection: Connection, before: datetime) -> int:
    """Delete refusals made before, each with its key, in one transaction; return how many. Needs the owner's role.

    A key that was refused so long ago is a fresh one again. Keys of what was accepted are kept for ever.
    """
    return int(await connection.fetchval(_FORGET_REFUSALS, first_id_at(before)))
