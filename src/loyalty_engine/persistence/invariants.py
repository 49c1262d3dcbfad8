"""What must hold between the rows at every moment, as SQL that finds what breaks it.

Each statement returns one row of ids per offence, and stands behind :data:`VIEWS`, which take the program as ``$1``,
NULL for all of them. None of them uses the code that wrote the rows. What moves in or out of a member's lots is
available + pending + held; a debt has no lots.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise. ``sql`` finds the rows that break it."""

    name: str
    promise: str
    sql: str


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

_BALANCES: Final = (
    Invariant(
        "balances_equal_postings",
        "Each balance is the sum of its postings, account by account.",
        """
        SELECT program_id, member_id, wallet
          FROM balance b
          FULL JOIN (
              SELECT p.program_id, p.member_id, p.wallet, sum(p.to_available) AS available,
                     sum(p.to_pending) AS pending, sum(p.to_held) AS held,
                     sum(p.to_debt) AS debt
                FROM posting p GROUP BY 1, 2, 3) s USING (program_id, member_id, wallet)
         WHERE (coalesce(b.available, 0), coalesce(b.pending, 0), coalesce(b.held, 0), coalesce(b.debt, 0))
            <> (coalesce(s.available, 0), coalesce(s.pending, 0), coalesce(s.held, 0), coalesce(s.debt, 0))
        """,
    ),
    Invariant(
        "postings_follow_each_other",
        "The balances after each posting are those after the one before it, changed by its amount.",
        """
        SELECT program_id, member_id, posting_id
          FROM (SELECT p.program_id, p.member_id, p.id AS posting_id, p.available, p.pending, p.held, p.debt,
                       lag(p.available, 1, 0::bigint) OVER w + p.to_available AS next_available,
                       lag(p.pending, 1, 0::bigint) OVER w + p.to_pending AS next_pending,
                       lag(p.held, 1, 0::bigint) OVER w + p.to_held AS next_held,
                       lag(p.debt, 1, 0::bigint) OVER w + p.to_debt AS next_debt
                  FROM posting p
                WINDOW w AS (PARTITION BY p.program_id, p.member_id, p.wallet ORDER BY p.seq, p.id)) x
         WHERE (available, pending, held, debt) <> (next_available, next_pending, next_held, next_debt)
        """,
    ),
    Invariant(
        "sequences_have_no_gaps",
        "A member's postings are numbered 1, 2, 3 … up to the number that the member carries.",
        """
        SELECT coalesce(m.program_id, s.program_id) AS program_id, coalesce(m.id, s.member_id) AS member_id
          FROM member m
          FULL JOIN (
              SELECT p.program_id, p.member_id, count(*) AS postings, count(DISTINCT p.seq) AS numbers,
                     min(p.seq) AS lowest, max(p.seq) AS highest
                FROM posting p GROUP BY 1, 2) s ON s.program_id = m.program_id AND s.member_id = m.id
         WHERE (m.seq, m.seq, m.seq, 1) IS DISTINCT FROM
               (coalesce(s.postings, 0), coalesce(s.numbers, 0), coalesce(s.highest, 0), coalesce(s.lowest, 1))
        """,
    ),
    Invariant(
        "transit_is_empty",
        "What one member sends another has arrived: the transit account is empty in every wallet.",
        """
        SELECT p.program_id, p.wallet
          FROM posting p
         WHERE 'transit' IN (p.source, p.destination)
         GROUP BY 1, 2
        HAVING sum(CASE 'transit' WHEN p.destination THEN p.amount ELSE -p.amount END) <> 0
        """,
    ),
)

_LOTS: Final = (
    Invariant(
        "lots_equal_balances",
        "What is left in a member's lots is what its balance shows as available, pending and held.",
        """
        SELECT program_id, member_id, wallet
          FROM balance b
          FULL JOIN (
              SELECT l.program_id, l.member_id, l.wallet, sum(l.remaining) AS remaining
                FROM lot l GROUP BY 1, 2, 3) s USING (program_id, member_id, wallet)
         WHERE coalesce(b.available + b.pending + b.held, 0) <> coalesce(s.remaining, 0)
        """,
    ),
    Invariant(
        "lots_equal_uses",
        "What is gone from each lot is the sum of its uses.",
        """
        SELECT l.program_id, l.member_id, l.id AS lot_id
          FROM lot l
          LEFT JOIN (
              SELECT u.program_id, u.lot_id, sum(u.amount) AS used FROM lot_use u GROUP BY 1, 2) s
            ON s.program_id = l.program_id AND s.lot_id = l.id
         WHERE l.amount - l.remaining <> coalesce(s.used, 0)
        """,
    ),
    Invariant(
        "lots_equal_postings",
        "Each operation moves as much in lots, new ones and uses, as its postings say, wallet by wallet.",
        """
        SELECT program_id, operation_id, wallet
          FROM (SELECT p.program_id, p.operation_id, p.wallet, p.to_available + p.to_pending + p.to_held AS moved FROM posting p
                 UNION ALL
                SELECT l.program_id, l.operation_id, l.wallet, -l.amount FROM lot l
                 UNION ALL
                SELECT u.program_id, u.operation_id, l.wallet, u.amount
                  FROM lot_use u
                  JOIN lot l ON l.program_id = u.program_id AND l.id = u.lot_id) x
         GROUP BY 1, 2, 3
        HAVING sum(moved) <> 0
        """,
    ),
    Invariant(
        "lots_have_their_operation",
        "Each lot was brought by an operation of its member.",
        """
        SELECT l.program_id, l.member_id, l.id AS lot_id, l.operation_id
          FROM lot l
          LEFT JOIN operation o ON o.program_id = l.program_id AND o.id = l.operation_id
         WHERE o.member_id IS DISTINCT FROM l.member_id
        """,
    ),
    Invariant(
        "uses_have_lot_and_operation",
        "Each use takes from a lot that exists, by an operation of the lot's member.",
        """
        SELECT u.program_id, u.lot_id, u.operation_id
          FROM lot_use u
          LEFT JOIN lot l ON l.program_id = u.program_id AND l.id = u.lot_id
          LEFT JOIN operation o ON o.program_id = u.program_id AND o.id = u.operation_id
         WHERE (l.member_id = o.member_id) IS NOT TRUE
        """,
    ),
)

_OPERATIONS: Final = (
    Invariant(
        "postings_have_their_operation",
        "Each posting belongs to an operation of its member, and names only lots of that member and wallet.",
        """
        SELECT p.program_id, p.member_id, p.id AS posting_id, p.operation_id
          FROM posting p
          LEFT JOIN operation o ON o.program_id = p.program_id AND o.id = p.operation_id
          LEFT JOIN lot l ON l.program_id = p.program_id AND l.id = p.lot_id
         WHERE o.member_id IS DISTINCT FROM p.member_id
            OR (p.lot_id IS NOT NULL AND (l.member_id, l.wallet) IS DISTINCT FROM (p.member_id, p.wallet))
        """,
    ),
    Invariant(
        "operations_have_their_member",
        "Each operation and each identity that names a member names one that exists.",
        """
        SELECT x.program_id, x.member_id, x.operation_id
          FROM (SELECT o.program_id, o.member_id, o.id AS operation_id
                  FROM operation o WHERE o.member_id IS NOT NULL
                 UNION ALL
                SELECT i.program_id, i.member_id, NULL FROM member_identity i) x
          LEFT JOIN member m ON m.program_id = x.program_id AND m.id = x.member_id
         WHERE m.id IS NULL
        """,
    ),
    Invariant(
        "reversals_name_their_operation",
        "An operation is taken back by the one operation that says so, and both are of one member.",
        """
        SELECT coalesce(v.program_id, o.program_id) AS program_id, coalesce(o.id, v.operation_id) AS operation_id
          FROM reversal v
          FULL JOIN (SELECT * FROM operation a WHERE a.reverses IS NOT NULL) o
            ON o.program_id = v.program_id AND o.id = v.operation_id AND o.reverses = v.reversed_id
          LEFT JOIN operation r ON r.program_id = v.program_id AND r.id = v.reversed_id
         WHERE v.reversed_id IS NULL OR o.id IS NULL OR r.member_id IS DISTINCT FROM o.member_id OR r.id IS NULL
        """,
    ),
    Invariant(
        "reversals_are_opposites",
        "A reversal moves back exactly what its operation moved between member and program, wallet by wallet.",
        """
        SELECT x.program_id, x.operation_id, x.wallet
          FROM (SELECT v.program_id, v.operation_id, p.wallet,
                       CASE WHEN p.source NOT IN ('available', 'pending', 'held', 'debt') THEN p.source ELSE p.destination END AS account,
                       CASE WHEN p.source NOT IN ('available', 'pending', 'held', 'debt') THEN p.amount ELSE -p.amount END AS moved
                  FROM reversal_pair v
                  JOIN posting p ON p.program_id = v.program_id AND p.operation_id = v.paired_id
                 WHERE p.source NOT IN ('available', 'pending', 'held', 'debt') OR p.destination NOT IN ('available', 'pending', 'held', 'debt')) x
         GROUP BY 1, 2, x.account, 3
        HAVING sum(x.moved) <> 0
        """,
    ),
    Invariant(
        "reversals_restore_their_lots",
        "A reversal puts points back into the lots that they came from; only a debt may keep some of them.",
        """
        SELECT program_id, operation_id
          FROM (SELECT v.program_id, v.operation_id, u.lot_id, sum(u.amount) AS kept
                  FROM reversal_pair v
                  JOIN lot_use u ON u.program_id = v.program_id AND u.operation_id = v.paired_id
                 GROUP BY 1, 2, 3
                 UNION ALL
                SELECT v.program_id, v.operation_id, NULL, -p.amount
                  FROM reversal v
                  JOIN posting p ON p.program_id = v.program_id AND p.operation_id = v.operation_id
                 WHERE p.destination = 'debt') x
         GROUP BY 1, 2
        HAVING sum(kept) <> 0 OR min(kept) FILTER (WHERE lot_id IS NOT NULL) < 0
        """,
    ),
    Invariant(
        "keys_lead_to_outcomes",
        "Each idempotency key leads to an operation or a refusal that exists.",
        """
        SELECT k.program_id, k.client_id, k.outcome_id
          FROM idempotency k
          LEFT JOIN operation o ON NOT k.is_refusal AND o.program_id = k.program_id AND o.id = k.outcome_id
          LEFT JOIN refusal f ON k.is_refusal AND f.program_id = k.program_id AND f.id = k.outcome_id
         WHERE o.id IS NULL AND f.id IS NULL
        """,
    ),
    Invariant(
        "refusals_moved_nothing",
        "No request was both refused and accepted.",
        """
        SELECT f.program_id, f.id AS operation_id
          FROM refusal f
          JOIN operation o ON o.program_id = f.program_id AND o.id = f.id
        """,
    ),
)

_ORDERS: Final = (
    Invariant(
        "orders_have_one_key",
        "Each order was accepted under exactly one natural key, and each key leads to an order.",
        """
        SELECT program_id, order_id
          FROM (SELECT b.program_id, b.id AS order_id FROM "order" b) b
          FULL JOIN (
              SELECT k.program_id, k.order_id, count(*) AS keys FROM order_key k GROUP BY 1, 2) s
         USING (program_id, order_id)
         WHERE b.order_id IS NULL OR s.keys IS DISTINCT FROM 1
        """,
    ),
    Invariant(
        "orders_have_their_operation",
        "Each order was accepted by the operation of the same id and member, and each such operation has its order.",
        """
        SELECT coalesce(b.program_id, o.program_id) AS program_id, coalesce(b.id, o.id) AS order_id
          FROM "order" b
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'order') o
            ON o.program_id = b.program_id AND o.id = b.id
         WHERE b.id IS NULL OR o.id IS NULL OR o.order_id IS DISTINCT FROM b.id OR o.member_id IS DISTINCT FROM b.member_id
        """,
    ),
    Invariant(
        "claims_are_consistent",
        "An order is claimed once, by the operation and for the member that the claim names, and had no member before.",
        """
        SELECT coalesce(q.program_id, o.program_id) AS program_id, coalesce(q.order_id, o.order_id) AS order_id
          FROM order_claim q
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'claim') o
            ON o.program_id = q.program_id AND o.id = q.operation_id
          LEFT JOIN "order" b ON b.program_id = q.program_id AND b.id = q.order_id
         WHERE q.order_id IS NULL OR b.id IS NULL OR b.member_id IS NOT NULL
            OR (o.order_id, o.member_id) IS DISTINCT FROM (q.order_id, q.member_id)
         UNION ALL
        SELECT h.program_id, h.order_id
          FROM order_parked h
          LEFT JOIN "order" b ON b.program_id = h.program_id AND b.id = h.order_id
         WHERE b.id IS NULL OR b.member_id IS NOT NULL
        """,
    ),
    Invariant(
        "members_count_their_orders",
        "A member's orders, spend (goods less what points paid) and first and last order are those of its orders.",
        """
        SELECT m.program_id, m.id AS member_id
          FROM member m
          LEFT JOIN (
              SELECT b.program_id, coalesce(b.member_id, q.member_id) AS member_id, count(*) AS orders,
                     sum(greatest(b.goods_total - b.paid_with_points, 0)) AS spend,
                     min(b.placed_at) AS first_order_at, max(b.placed_at) AS last_order_at
                FROM "order" b
                LEFT JOIN order_claim q ON q.program_id = b.program_id AND q.order_id = b.id
               GROUP BY 1, 2) s ON s.program_id = m.program_id AND s.member_id = m.id
         WHERE (m.orders, m.spend, m.first_order_at, m.last_order_at) IS DISTINCT FROM
               (coalesce(s.orders, 0), coalesce(s.spend, 0), s.first_order_at, s.last_order_at)
        """,
    ),
    Invariant(
        "counters_are_within_caps",
        "No limit or budget is overdrawn or given back too often.",
        "SELECT c.program_id, c.key AS counter FROM counter c WHERE c.used NOT BETWEEN 0 AND c.cap",
    ),
)

INVARIANTS: Final = (*_BALANCES, *_LOTS, *_OPERATIONS, *_ORDERS)
"""Every invariant, those about value first. Names are stable: alerts and run books use them."""
