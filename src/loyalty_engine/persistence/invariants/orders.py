"""Orders, their numbers, their claims and their members belong together."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

ORDERS: Final = (
    Invariant(
        "orders_have_one_key",
        "Each order was accepted under exactly one natural key, and each key leads to an order, to the return or payment that has this "
        "number, or to the last return that waits for the order.",
        """
        SELECT program_id, order_id
          FROM (SELECT b.program_id, b.id AS order_id FROM "order" b) b
          FULL JOIN (
              SELECT k.program_id, k.order_id, count(*) AS keys
                FROM order_key k
                LEFT JOIN (SELECT * FROM operation a WHERE a.kind IN ('return', 'plan_payment', 'activity')) o
                  ON o.program_id = k.program_id AND o.id = k.order_id
                LEFT JOIN return_waiting w
                  ON w.program_id = k.program_id AND w.natural_key = k.natural_key AND w.operation_id = k.order_id
               WHERE o.id IS NULL OR (k.request_hash = '') <> (w.operation_id IS NOT NULL)
               GROUP BY 1, 2) s
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
        "A member's orders and spend (goods less what points paid) are those of its orders as they are now, also of members "
        "that it stands for; its first and last order are theirs, too, unless it was ever merged.",
        """
        SELECT m.program_id, m.id AS member_id
          FROM member m
          LEFT JOIN (
              SELECT b.program_id, i.survivor_id AS member_id, count(*) FILTER (WHERE k.is_gone IS NOT TRUE) AS orders,
                     sum(coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0)))
                         FILTER (WHERE k.is_gone IS NOT TRUE) AS spend,
                     min(b.placed_at) AS first_order_at, max(b.placed_at) AS last_order_at
                FROM "order" b
                LEFT JOIN order_claim q ON q.program_id = b.program_id AND q.order_id = b.id
                LEFT JOIN kept_order k ON k.program_id = b.program_id AND k.order_id = b.id
                JOIN stand_in i ON i.program_id = b.program_id AND i.id = coalesce(b.member_id, q.member_id)
               GROUP BY 1, 2) s ON s.program_id = m.program_id AND s.member_id = m.id
          LEFT JOIN (
              SELECT a.program_id, a.member_id FROM operation a WHERE a.kind = 'merge'
               UNION
              SELECT a.program_id, a.other_member_id FROM operation a WHERE a.kind = 'merge') g
            ON g.program_id = m.program_id AND g.member_id = m.id
         WHERE (m.orders, m.spend) IS DISTINCT FROM (coalesce(s.orders, 0), coalesce(s.spend, 0))
            OR (g.member_id IS NULL
                AND (m.first_order_at, m.last_order_at) IS DISTINCT FROM (s.first_order_at, s.last_order_at))
        """,
    ),
)
