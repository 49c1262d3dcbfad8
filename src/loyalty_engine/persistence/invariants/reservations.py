"""Reservations end once, and what they hold is what is leased; vouchers are given out once.

Reservations that became nothing are forgotten after a while, and so are leases that ran out: what is missing is an offence
only as long as it must be there.
"""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

KEPT_DAYS: Final = 30
"""How long reservations that became nothing are kept."""

RESERVATIONS: Final = (
    Invariant(
        "leases_equal_reservations",
        "What is leased of each limit or budget until a moment is what the reservations hold of it that run out then and "
        "were not ended.",
        """
        SELECT program_id, counter, until
          FROM (SELECT l.program_id, l.counter, l.until, l.amount FROM counter_lease l) l
          FULL JOIN (
              SELECT u.program_id, u.counter, u.until, sum(u.amount) AS held
                FROM reserved_use u WHERE u.is_shared GROUP BY 1, 2, 3) s USING (program_id, counter, until)
         WHERE coalesce(l.amount, 0) <> coalesce(s.held, 0) AND (l.amount IS NOT NULL OR until > now())
        """,
    ),
    Invariant(
        "members_lease_what_they_reserved",
        "What a member has leased of its own limits is what its reservations hold of them that have not run out and were "
        "not ended, unless it was ever merged.",
        """
        SELECT program_id, member_id
          FROM (SELECT c.program_id, c.member_id, (c.counted).key AS lease, (c.counted).value::bigint AS amount
                  FROM (SELECT m.program_id, m.id AS member_id, jsonb_each_text(m.counters) AS counted
                          FROM member m WHERE m.counters::text LIKE '%"reserved/%') c
                 WHERE (c.counted).key LIKE 'reserved/%') l
          FULL JOIN (
              SELECT u.program_id, u.member_id,
                     to_char(u.until AT TIME ZONE 'UTC', '"reserved/"YYYYMMDD"T"HH24MISS"Z/"')
                     || replace(u.reservation_id::text, '-', '') || '/' || u.counter AS lease,
                     sum(u.amount) AS held
                FROM reserved_use u WHERE NOT u.is_shared GROUP BY 1, 2, 3) s USING (program_id, member_id, lease)
          JOIN (SELECT m.program_id, m.id AS member_id, greatest(m.booked_at, now()) AT TIME ZONE 'UTC' AS at FROM member m) m
         USING (program_id, member_id)
          LEFT JOIN (
              SELECT a.program_id, a.member_id FROM operation a WHERE a.kind = 'merge'
               UNION
              SELECT a.program_id, a.other_member_id FROM operation a WHERE a.kind = 'merge') g
         USING (program_id, member_id)
         WHERE coalesce(l.amount, 0) <> coalesce(s.held, 0) AND lease COLLATE "C" > to_char(m.at, '"reserved/"YYYYMMDD"T"HH24MISS"Z0"')
           AND g.program_id IS NULL
        """,
    ),
    Invariant(
        "reservations_have_their_operation",
        "Each reservation was accepted by the operation of the same id and member, and each such operation has its "
        "reservation.",
        f"""
        SELECT coalesce(r.program_id, o.program_id) AS program_id, coalesce(r.id, o.id) AS operation_id
          FROM reservation r
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'reservation') o
            ON o.program_id = r.program_id AND o.id = r.id
         WHERE o.id IS NULL OR (r.id IS NOT NULL AND o.member_id IS DISTINCT FROM r.member_id)
            OR (r.id IS NULL AND o.booked_at > now() - interval '{KEPT_DAYS} days')
        """,  # noqa: S608 - a number from above
    ),
    Invariant(
        "reservations_end_once",
        "A reservation is ended by the order that it became or by its release, and each of these ended one reservation.",
        f"""
        SELECT coalesce(e.program_id, x.program_id) AS program_id, coalesce(e.operation_id, x.id) AS operation_id
          FROM reservation_end e
          FULL JOIN (
              SELECT b.program_id, b.id, (b.rest ->> 'reservation')::uuid AS reservation_id, NULL::timestamptz AS released_at
                FROM "order" b WHERE b.rest ->> 'reservation' IS NOT NULL
               UNION ALL
              SELECT a.program_id, a.id, NULL, a.booked_at FROM operation a WHERE a.kind = 'release') x
            ON x.program_id = e.program_id AND x.id = e.operation_id
          LEFT JOIN reservation r ON r.program_id = e.program_id AND r.id = e.reservation_id
         WHERE (e.operation_id IS NOT NULL AND (x.id IS NULL OR r.id IS NULL))
            OR (e.how = 'confirmed') <> (x.reservation_id IS NOT NULL) OR e.reservation_id <> x.reservation_id
            OR (e.operation_id IS NULL AND (x.released_at > now() - interval '{KEPT_DAYS} days') IS NOT FALSE)
         UNION ALL
        SELECT e.program_id, e.operation_id FROM reservation_end e GROUP BY 1, 2 HAVING count(*) > 1
        """,  # noqa: S608 - a number from above
    ),
    Invariant(
        "vouchers_are_given_out_once",
        "A code that was given to a member was given by an operation about that member; a voucher that was not still has its "
        "turn, and one that was has none.",
        """
        SELECT c.program_id, c.pool, c.operation_id
          FROM promo_code c
          JOIN code_pool p ON p.program_id = c.program_id AND p.key = c.pool
          LEFT JOIN operation o ON o.program_id = c.program_id AND o.id = c.operation_id
         WHERE (c.operation_id IS NOT NULL AND (c.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE)
            OR (p.kind = 'vouchers' AND (c.turn IS NULL) <> (c.operation_id IS NOT NULL))
        """,
    ),
)
