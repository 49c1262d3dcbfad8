"""Activities, their operations and their marks belong together."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

ACTIVITIES: Final = (
    Invariant(
        "activities_have_their_operation",
        "Each activity was accepted by the operation of the same id, member and time, and each such operation has its own.",
        """
        SELECT coalesce(t.program_id, o.program_id) AS program_id, coalesce(t.id, o.id) AS activity_id
          FROM activity t
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'activity') o
            ON o.program_id = t.program_id AND o.id = t.id
         WHERE (t.member_id, t.occurred_at) IS DISTINCT FROM (o.member_id, o.effective_at)
        """,
    ),
    Invariant(
        "marks_have_their_activity",
        "What counts once was set by an activity of that member and kind.",
        """
        SELECT k.program_id, k.member_id, k.operation_id
          FROM activity_mark k
          LEFT JOIN activity t ON t.program_id = k.program_id AND t.id = k.operation_id
         WHERE (t.member_id, t.kind) IS DISTINCT FROM (k.member_id, k.kind)
        """,
    ),
)
