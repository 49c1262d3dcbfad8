"""What must hold between the rows at every moment, as SQL that finds what breaks it.

Each statement returns one row of ids per offence, and stands behind :data:`VIEWS`, which take the program as ``$1``,
NULL for all of them. None of them uses the code that wrote the rows. What moves in or out of a member's lots is
available + pending + held; a debt has no lots.
"""

from typing import Final

from loyalty_engine.persistence.invariants.activities import ACTIVITIES
from loyalty_engine.persistence.invariants.counters import COUNTERS
from loyalty_engine.persistence.invariants.invariant import Invariant
from loyalty_engine.persistence.invariants.operations import OPERATIONS
from loyalty_engine.persistence.invariants.orders import ORDERS
from loyalty_engine.persistence.invariants.points import BALANCES, LOTS

__all__ = ["INVARIANTS", "VIEWS", "Invariant"]

_TABLES: Final = (
    "member",
    "member_identity",
    "balance",
    "lot",
    "lot_use",
    "operation",
    "reversal",
    "refusal",
    "idempotency",
    "order",
    "order_key",
    "order_claim",
    "order_parked",
    "counter",
    "counter_use",
    "activity",
    "activity_mark",
)

_DERIVED: Final = """
posting AS NOT MATERIALIZED (
    SELECT *, CASE 'available' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END AS to_available,
           CASE 'pending' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END AS to_pending,
           CASE 'held' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END AS to_held,
           CASE 'debt' WHEN source THEN amount WHEN destination THEN -amount ELSE 0 END AS to_debt
      FROM loyalty.posting WHERE $1::int IS NULL OR program_id = $1
), reversal_pair AS NOT MATERIALIZED (
    SELECT program_id, operation_id, operation_id AS paired_id FROM reversal
     UNION ALL
    SELECT program_id, operation_id, reversed_id FROM reversal
)
"""


def _view(table: str) -> str:
    rows = f'SELECT * FROM loyalty."{table}" WHERE $1::int IS NULL OR program_id = $1'  # noqa: S608 - a name from above
    return f'"{table}" AS NOT MATERIALIZED ({rows})'


VIEWS: Final = f"WITH {', '.join(map(_view, _TABLES))}, {_DERIVED}"
"""What the statements below read instead of the tables: the checked program's rows only.

``posting`` also tells by how much it changes each account of its member (what enters ``debt`` pays it back), and
``reversal_pair`` names each reversal twice: with its own operation and with the one that it took back.
"""

INVARIANTS: Final = (*BALANCES, *LOTS, *OPERATIONS, *ORDERS, *COUNTERS, *ACTIVITIES)
"""Every invariant, those about value first. Names are stable: alerts and run books use them."""
