"""What must hold between the rows at every moment, as SQL that finds what breaks it.

Each statement returns one row of ids per offence, and stands behind :data:`VIEWS`, which take the program as ``$1``,
NULL for all of them. None of them uses the code that wrote the rows. What moves in or out of a member's lots is
available + pending; a debt has no lots, and what is held has left them.
"""

from typing import Final

from loyalty_engine.persistence.invariants.activities import ACTIVITIES
from loyalty_engine.persistence.invariants.answers import ANSWERS
from loyalty_engine.persistence.invariants.counters import COUNTERS
from loyalty_engine.persistence.invariants.due import DUE
from loyalty_engine.persistence.invariants.holds import HOLDS
from loyalty_engine.persistence.invariants.invariant import Invariant
from loyalty_engine.persistence.invariants.members import MEMBERS
from loyalty_engine.persistence.invariants.operations import OPERATIONS
from loyalty_engine.persistence.invariants.orders import ORDERS
from loyalty_engine.persistence.invariants.plans import PLANS
from loyalty_engine.persistence.invariants.points import BALANCES, LOTS
from loyalty_engine.persistence.invariants.referrals import REFERRALS
from loyalty_engine.persistence.invariants.reservations import RESERVATIONS
from loyalty_engine.persistence.invariants.returns import RETURNS
from loyalty_engine.persistence.invariants.tiers import TIERS

__all__ = ["ANSWERS", "INVARIANTS", "VIEWS", "Invariant"]

_TABLES: Final = (
    "member",
    "member_identity",
    "balance",
    "lot",
    "lot_use",
    "hold",
    "operation",
    "operation_detail",
    "reversal",
    "refusal",
    "idempotency",
    "order",
    "order_key",
    "order_claim",
    "order_parked",
    "order_change",
    "return_waiting",
    "counter",
    "counter_use",
    "counter_lease",
    "reservation",
    "reservation_end",
    "code_pool",
    "promo_code",
    "activity",
    "activity_mark",
    "referral",
    "member_tier",
    "tier_move",
    "member_plan",
    "plan_move",
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
), stand_in AS (
    SELECT program_id, id, id AS survivor_id FROM member WHERE merged_into IS NULL
     UNION ALL
    SELECT m.program_id, m.id, s.survivor_id
      FROM stand_in s
      JOIN member m ON m.program_id = s.program_id AND m.merged_into = s.id
), answer AS NOT MATERIALIZED (
    SELECT program_id, id, answer::jsonb AS answer FROM operation_detail
), kept_order AS NOT MATERIALIZED (
    SELECT DISTINCT ON (program_id, order_id) * FROM order_change ORDER BY program_id, order_id, number DESC
), reserved_use AS NOT MATERIALIZED (
    SELECT program_id, id AS reservation_id, member_id, until, held ->> 0 AS counter, (held ->> 1)::bigint AS amount,
           (held ->> 3)::boolean AS is_shared
      FROM (SELECT r.program_id, r.id, r.member_id, r.until, jsonb_array_elements(r.body -> 'uses') AS held
              FROM reservation r
              LEFT JOIN reservation_end e ON e.program_id = r.program_id AND e.reservation_id = r.id
             WHERE e.reservation_id IS NULL) u
)
"""


def _view(table: str) -> str:
    rows = f'SELECT * FROM loyalty."{table}" WHERE $1::int IS NULL OR program_id = $1'  # noqa: S608 - a name from above
    return f'"{table}" AS NOT MATERIALIZED ({rows})'


VIEWS: Final = f"WITH RECURSIVE {', '.join(map(_view, _TABLES))}, {_DERIVED}"
"""What the statements below read instead of the tables: the checked program's rows only.

``posting`` also tells by how much it changes each account of its member (what enters ``debt`` pays it back),
``reversal_pair`` names each reversal twice: with its own operation and with the one that it took back. ``stand_in`` tells
who stands for each member, ``answer`` what each operation's caller got, ``kept_order`` what the latest change left of an order, and ``reserved_use`` what
reservations that were not ended hold of limits and budgets.
"""

INVARIANTS: Final = (
    *BALANCES,
    *LOTS,
    *HOLDS,
    *DUE,
    *OPERATIONS,
    *MEMBERS,
    *ORDERS,
    *RETURNS,
    *COUNTERS,
    *RESERVATIONS,
    *ACTIVITIES,
    *REFERRALS,
    *TIERS,
    *PLANS,
)
"""Every invariant, those about value first. Names are stable: alerts and run books use them."""
