"""Balances, postings and lots tell the same."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

BALANCES: Final = (
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

LOTS: Final = (
    Invariant(
        "lots_equal_balances",
        "What is left in a member's lots is what its balance shows as available and pending.",
        """
        SELECT program_id, member_id, wallet
          FROM balance b
          FULL JOIN (
              SELECT l.program_id, l.member_id, l.wallet, sum(l.remaining) AS remaining
                FROM lot l GROUP BY 1, 2, 3) s USING (program_id, member_id, wallet)
         WHERE coalesce(b.available + b.pending, 0) <> coalesce(s.remaining, 0)
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
          FROM (SELECT p.program_id, p.operation_id, p.wallet, p.to_available + p.to_pending AS moved FROM posting p
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
        "Each lot was brought by an operation of its member, or one that its member shares with another.",
        """
        SELECT l.program_id, l.member_id, l.id AS lot_id, l.operation_id
          FROM lot l
          LEFT JOIN operation o ON o.program_id = l.program_id AND o.id = l.operation_id
         WHERE o.id IS NULL OR (l.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE
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
         WHERE (l.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE
        """,
    ),
)
