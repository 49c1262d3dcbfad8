"""Members who stand for others."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

MEMBERS: Final = (
    Invariant(
        "merged_members_lead_to_another",
        "A member is merged if and only if another one stands for it, who is not merged in the end.",
        """
        SELECT m.program_id, m.id AS member_id
          FROM member m
          LEFT JOIN stand_in s ON s.program_id = m.program_id AND s.id = m.id
         WHERE s.id IS NULL OR (m.merged_into IS NOT NULL) <> (m.status = 'merged')
        """,
    ),
    Invariant(
        "merged_members_have_nothing",
        "A merged member has no points, no debt, and nothing that becomes due.",
        """
        SELECT m.program_id, m.id AS member_id
          FROM member m
          LEFT JOIN balance b ON b.program_id = m.program_id AND b.member_id = m.id
           AND (b.available, b.pending, b.held, b.debt) <> (0, 0, 0, 0)
         WHERE m.merged_into IS NOT NULL AND (b.member_id IS NOT NULL OR m.due_at IS NOT NULL)
        """,
    ),
    Invariant(
        "merges_are_in_force",
        "A member was last merged by the operation that says so, if that was not taken back.",
        """
        SELECT coalesce(m.program_id, o.program_id) AS program_id, coalesce(m.id, o.other_member_id) AS member_id
          FROM (SELECT * FROM member a WHERE a.merged_into IS NOT NULL) m
          FULL JOIN (
              SELECT a.* FROM operation a
                LEFT JOIN reversal v ON v.program_id = a.program_id AND v.reversed_id = a.id
               WHERE a.kind = 'merge' AND v.operation_id IS NULL) o
            ON o.program_id = m.program_id AND o.other_member_id = m.id AND o.member_id = m.merged_into
         WHERE m.id IS NULL OR o.id IS NULL
        """,
    ),
)
