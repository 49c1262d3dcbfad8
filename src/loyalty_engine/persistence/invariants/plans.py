"""Memberships are what operations made of them, payments count once, and somebody knows when memberships end."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

PLANS: Final = (
    Invariant(
        "memberships_are_what_was_made_of_them",
        "A member has of a plan what the last operation about it left.",
        """
        SELECT coalesce(t.program_id, v.program_id) AS program_id, coalesce(t.member_id, v.member_id) AS member_id
          FROM member_plan t
          FULL JOIN (
              SELECT DISTINCT ON (program_id, member_id, plan) * FROM plan_move
               ORDER BY program_id, member_id, plan, version DESC) v
            ON v.program_id = t.program_id AND v.member_id = t.member_id AND v.plan = t.plan
         WHERE (t.member_id, t.since, t.paid_until, t.ends_at, t.is_over, t.cancelled_at, t.rest)
               IS DISTINCT FROM
               (v.member_id, v.since, v.paid_until, v.ends_at, v.is_over, v.cancelled_at, v.rest)
        """,
    ),
    Invariant(
        "plan_moves_have_their_operation",
        "Each was decided by an operation about that member, which was not changed more often since than it says.",
        """
        SELECT v.program_id, v.member_id, v.operation_id
          FROM plan_move v
          LEFT JOIN operation o ON o.program_id = v.program_id AND o.id = v.operation_id
          LEFT JOIN member m ON m.program_id = v.program_id AND m.id = v.member_id
         WHERE (v.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE OR (v.version <= m.version) IS NOT TRUE
        """,
    ),
    Invariant(
        "memberships_end_in_time",
        "A member's due date is not after the end of a membership of which nobody booked that it ended.",
        """
        SELECT t.program_id, t.member_id
          FROM (SELECT t.program_id, t.member_id, min(t.ends_at) AS ends_at
                  FROM member_plan t WHERE NOT t.is_over GROUP BY 1, 2) t
          LEFT JOIN member m ON m.program_id = t.program_id AND m.id = t.member_id
         WHERE (m.due_at <= t.ends_at) IS NOT TRUE AND m.merged_into IS NULL
        """,
    ),
    Invariant(
        "payments_have_their_number",
        "Each payment for a membership was accepted under exactly one number.",
        """
        SELECT o.program_id, o.id AS operation_id
          FROM operation o
          LEFT JOIN order_key k ON k.program_id = o.program_id AND k.order_id = o.id
         WHERE o.kind = 'plan_payment' GROUP BY o.program_id, o.id HAVING count(k.natural_key) <> 1
        """,
    ),
)
