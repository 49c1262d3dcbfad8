"""Members are where operations led them, and somebody knows when that ends."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

TIERS: Final = (
    Invariant(
        "tiers_are_where_members_were_led",
        "A member is in a tier set where the last of its moves there led it.",
        """
        SELECT coalesce(t.program_id, v.program_id) AS program_id, coalesce(t.member_id, v.member_id) AS member_id
          FROM member_tier t
          FULL JOIN (
              SELECT DISTINCT ON (program_id, member_id, tier_set) * FROM tier_move
               ORDER BY program_id, member_id, tier_set, version DESC) v
            ON v.program_id = t.program_id AND v.member_id = t.member_id AND v.tier_set = t.tier_set
         WHERE (t.member_id, t.tier, t.since, t.until, t.ends_at, t.how, t.below, t.before, t.reached_at)
               IS DISTINCT FROM
               (v.member_id, v.tier, v.since, v.until, v.ends_at, v.how, v.below, v.before, v.reached_at)
        """,
    ),
    Invariant(
        "tier_moves_have_their_operation",
        "Each move was decided by an operation about that member, which was not changed more often since than it says.",
        """
        SELECT v.program_id, v.member_id, v.operation_id
          FROM tier_move v
          LEFT JOIN operation o ON o.program_id = v.program_id AND o.id = v.operation_id
          LEFT JOIN member m ON m.program_id = v.program_id AND m.id = v.member_id
         WHERE (v.member_id IN (o.member_id, o.other_member_id)) IS NOT TRUE OR (v.version <= m.version) IS NOT TRUE
        """,
    ),
    Invariant(
        "tiers_end_in_time",
        "A member's due date is not after the end of one of its tiers, once it was led where ladders say that were published.",
        """
        SELECT t.program_id, t.member_id
          FROM (SELECT t.program_id, t.member_id, min(t.ends_at) AS ends_at
                  FROM member_tier t WHERE t.ends_at IS NOT NULL GROUP BY 1, 2) t
          LEFT JOIN member m ON m.program_id = t.program_id AND m.id = t.member_id
         WHERE (m.due_at <= t.ends_at) IS NOT TRUE AND m.merged_into IS NULL
           AND t.program_id NOT IN (SELECT j.program_id FROM loyalty.job j
                                     WHERE j.kind = 'adopt_ladders' AND j.status IN ('waiting', 'running'))
        """,
    ),
)
