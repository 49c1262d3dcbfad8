"""Operations, their postings, reversals and keys belong together."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

OPERATIONS: Final = (
    Invariant(
        "postings_have_their_operation",
        "Each posting belongs to an operation of its member, alone or with another, and names only lots of that member and "
        "wallet.",
        """
        SELECT p.program_id, p.member_id, p.id AS posting_id, p.operation_id
          FROM posting p
          LEFT JOIN operation o ON o.program_id = p.program_id AND o.id = p.operation_id
          LEFT JOIN lot l ON l.program_id = p.program_id AND l.id = p.lot_id
         WHERE (p.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE
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
                SELECT o.program_id, o.other_member_id, o.id FROM operation o WHERE o.other_member_id IS NOT NULL
                 UNION ALL
                SELECT i.program_id, i.member_id, NULL FROM member_identity i) x
          LEFT JOIN member m ON m.program_id = x.program_id AND m.id = x.member_id
         WHERE m.id IS NULL
        """,
    ),
    Invariant(
        "reversals_name_their_operation",
        "An operation is taken back by the one operation that says so, and both are of one member or of who absorbed it.",
        """
        SELECT coalesce(v.program_id, o.program_id) AS program_id, coalesce(o.id, v.operation_id) AS operation_id
          FROM reversal v
          FULL JOIN (SELECT * FROM operation a WHERE a.reverses IS NOT NULL) o
            ON o.program_id = v.program_id AND o.id = v.operation_id AND o.reverses = v.reversed_id
          LEFT JOIN operation r ON r.program_id = v.program_id AND r.id = v.reversed_id
          LEFT JOIN (SELECT DISTINCT a.program_id, a.other_member_id FROM operation a WHERE a.kind = 'merge') g
            ON g.program_id = r.program_id AND g.other_member_id = r.member_id
         WHERE v.reversed_id IS NULL OR o.id IS NULL OR r.id IS NULL
            OR (r.member_id IS DISTINCT FROM o.member_id AND g.other_member_id IS NULL)
        """,
    ),
    Invariant(
        "reversals_are_opposites",
        "A reversal moves back exactly what its operation moved between member and program, wallet by wallet, but for what "
        "expires or had expired.",
        """
        SELECT x.program_id, x.operation_id, x.wallet
          FROM (SELECT v.program_id, v.operation_id, p.wallet,
                       CASE WHEN p.source NOT IN ('available', 'pending', 'held', 'debt') THEN p.source ELSE p.destination END AS account,
                       CASE WHEN p.source NOT IN ('available', 'pending', 'held', 'debt') THEN p.amount ELSE -p.amount END AS moved
                  FROM reversal_pair v
                  JOIN posting p ON p.program_id = v.program_id AND p.operation_id = v.paired_id
                 WHERE p.source NOT IN ('available', 'pending', 'held', 'debt') OR p.destination NOT IN ('available', 'pending', 'held', 'debt')) x
         WHERE x.account <> 'expired'
         GROUP BY 1, 2, x.account, 3
        HAVING sum(x.moved) <> 0
        """,
    ),
    Invariant(
        "reversals_restore_their_lots",
        "A reversal never puts more into a lot than its operation took out of it; a cancelled redemption puts everything "
        "back, and only a debt, new lots and expiry may keep some of it.",
        """
        SELECT program_id, operation_id
          FROM (SELECT v.program_id, v.operation_id, u.lot_id, sum(u.amount) AS kept
                  FROM reversal_pair v
                  JOIN lot_use u ON u.program_id = v.program_id AND u.operation_id = v.paired_id
                  LEFT JOIN (SELECT y.program_id, y.operation_id, l.id FROM reversal_pair y
                               JOIN lot l ON l.program_id = y.program_id AND l.operation_id = y.paired_id) n
                    ON n.program_id = u.program_id AND n.operation_id = v.operation_id AND n.id = u.lot_id
                 WHERE n.id IS NULL
                 GROUP BY 1, 2, 3) x
         WHERE x.kept < 0
         UNION ALL
        SELECT program_id, operation_id
          FROM (SELECT v.program_id, v.operation_id, u.amount AS kept
                  FROM reversal_pair v
                  JOIN lot_use u ON u.program_id = v.program_id AND u.operation_id = v.paired_id
                 UNION ALL
                SELECT v.program_id, v.operation_id, -l.amount
                  FROM reversal v
                  JOIN lot l ON l.program_id = v.program_id AND l.operation_id = v.operation_id
                 UNION ALL
                SELECT v.program_id, v.operation_id, -p.amount
                  FROM reversal v
                  JOIN posting p ON p.program_id = v.program_id AND p.operation_id = v.operation_id
                 WHERE p.destination IN ('debt', 'expired')) x
          JOIN operation o USING (program_id)
         WHERE o.id = x.operation_id AND o.kind = 'redemption_cancel'
         GROUP BY 1, 2
        HAVING sum(kept) <> 0
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
