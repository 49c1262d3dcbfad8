"""What operations are kept with tells the same as they do: their answers, and the keys that lead to them.

These read every stored answer, so they are part of the rebuild only.
"""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

ANSWERS: Final = (
    Invariant(
        "answers_tell_their_operation",
        "The answer that is kept with an operation, if it is, tells its times and its revision.",
        """
        SELECT o.program_id, o.id AS operation_id
          FROM operation o
          JOIN answer d ON d.program_id = o.program_id AND d.id = o.id
         WHERE (d.answer ? 'booked_at' AND (d.answer->>'booked_at')::timestamptz <> o.booked_at)
            OR (d.answer ? 'effective_at' AND (d.answer->>'effective_at')::timestamptz <> o.effective_at)
            OR (d.answer ? 'revision' AND (d.answer->>'revision')::int <> o.revision)
        """,
    ),
    Invariant(
        "answers_equal_postings",
        "The balances that an operation's answer told its member are those after the last of its postings, unless returns "
        "that had waited for the order, or what a friend is due, came right behind it.",
        """
        SELECT o.program_id, o.id AS operation_id, o.member_id
          FROM operation o
          JOIN answer d ON d.program_id = o.program_id AND d.id = o.id
         CROSS JOIN LATERAL jsonb_to_recordset(coalesce(d.answer->'balances', '[]'))
               AS t (wallet text, available bigint, pending bigint, held bigint, debt bigint)
          JOIN (SELECT DISTINCT ON (p.program_id, p.operation_id, p.member_id, p.wallet) p.*
                  FROM posting p
                 ORDER BY p.program_id, p.operation_id, p.member_id, p.wallet, p.seq DESC) p
            ON p.program_id = o.program_id AND p.operation_id = o.id AND p.member_id = o.member_id AND p.wallet = t.wallet
         WHERE coalesce(d.answer->'returns', '[]') = '[]' AND NOT d.answer ? 'referral'
           AND (t.available, t.pending, t.held, t.debt) <> (p.available, p.pending, p.held, p.debt)
        """,
    ),
    Invariant(
        "lots_were_earned_by_postings",
        "What an operation made a new lot of, it posted; where one posting names the lot, to the point.",
        """
        SELECT l.program_id, l.member_id, l.id AS lot_id
          FROM lot l
          JOIN operation o ON o.program_id = l.program_id AND o.id = l.operation_id
          LEFT JOIN posting p
            ON p.program_id = l.program_id AND p.member_id = l.member_id AND p.lot_id = l.id
           AND p.operation_id = l.operation_id AND p.wallet = l.wallet AND p.amount = l.amount
           AND p.destination IN ('available', 'pending')
         WHERE p.id IS NULL
           AND o.kind IN ('order', 'claim', 'order_edit', 'activity', 'adjustment', 'opening', 'activation', 'transfer',
                          'merge', 'referral_reward')
        """,
    ),
    Invariant(
        "operations_have_their_key",
        "Each request that became an operation came under a key, which leads to it or to what it came along with; what time "
        "brings comes without.",
        """
        SELECT o.program_id, o.id AS operation_id
          FROM operation o
          LEFT JOIN (
              SELECT DISTINCT t.program_id, t.transaction
                FROM operation t
                JOIN idempotency k ON k.program_id = t.program_id AND k.outcome_id = t.id AND NOT k.is_refusal) s
            ON s.program_id = o.program_id AND s.transaction = o.transaction
         WHERE o.kind NOT IN ('time_passed', 'plan_lapse', 'tier_review', 'referral_reward') AND s.transaction IS NULL
        """,
    ),
    Invariant(
        "answers_tell_where_members_were_led",
        "Where an answer told that its operation led a member in a tier set, one of its moves did. Who is below all tiers is "
        "told to be in the one that asks for nothing.",
        """
        SELECT o.program_id, o.id AS operation_id, o.member_id
          FROM operation o
          JOIN answer d ON d.program_id = o.program_id AND d.id = o.id
         CROSS JOIN LATERAL jsonb_to_recordset(coalesce(d.answer->'tiers', '[]'))
               AS t (set text, tier text, since timestamptz, until timestamptz)
          LEFT JOIN tier_move v
            ON v.program_id = o.program_id AND v.member_id = o.member_id AND v.tier_set = t.set AND v.since = t.since
           AND v.until IS NOT DISTINCT FROM t.until AND (v.tier = t.tier OR coalesce(cardinality(v.below), 0) = 0)
         WHERE o.member_id IS NOT NULL AND v.program_id IS NULL
        """,
    ),
)
