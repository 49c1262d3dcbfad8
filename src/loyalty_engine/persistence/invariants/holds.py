"""Holds end once, and while they last their points are held and nowhere else."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

HOLDS: Final = (
    Invariant(
        "held_equals_holds",
        "What a balance shows as held is what its member's open holds have set aside.",
        """
        SELECT program_id, member_id, wallet
          FROM (SELECT b.program_id, b.member_id, b.wallet, b.held FROM balance b WHERE b.held <> 0) b
          FULL JOIN (
              SELECT h.program_id, h.member_id, h.wallet, sum(h.points) AS points
                FROM hold h WHERE h.ended_by IS NULL GROUP BY 1, 2, 3) s USING (program_id, member_id, wallet)
         WHERE coalesce(b.held, 0) <> coalesce(s.points, 0)
        """,
    ),
    Invariant(
        "holds_have_their_operations",
        "Each hold was made by the operation of the same id, which took its points out of lots, and ended at most once, by "
        "another operation of its member that says how much of it was spent. Those of reservations end with these.",
        """
        SELECT coalesce(h.program_id, o.program_id) AS program_id, coalesce(h.id, o.id) AS hold_id
          FROM hold h
          FULL JOIN (
              SELECT a.* FROM operation a
                LEFT JOIN (SELECT DISTINCT u.program_id, u.operation_id FROM lot_use u) u
                  ON u.program_id = a.program_id AND u.operation_id = a.id
               WHERE a.kind = 'hold' OR (a.kind = 'reservation' AND u.operation_id IS NOT NULL)) o
            ON o.program_id = h.program_id AND o.id = h.id
          LEFT JOIN (
              SELECT * FROM operation a WHERE a.kind IN ('capture', 'void', 'order', 'release', 'time_passed')) e
            ON e.program_id = h.program_id AND e.id = h.ended_by
          LEFT JOIN (
              SELECT u.program_id, u.operation_id, sum(u.amount) AS points FROM lot_use u GROUP BY 1, 2) s
            ON s.program_id = h.program_id AND s.operation_id = h.id
         WHERE o.member_id IS DISTINCT FROM h.member_id OR s.points IS DISTINCT FROM h.points
            OR (h.ended_by IS NOT NULL AND (e.member_id, h.captured IS NULL) IS DISTINCT FROM (h.member_id, false))
            OR (h.ended_by IS NULL AND h.captured IS NOT NULL)
            OR (e.kind <> 'time_passed' AND (e.kind IN ('order', 'release')) <> (o.kind = 'reservation'))
        """,
    ),
    Invariant(
        "holds_end_one_by_one",
        "No request ends two holds; only time may.",
        """
        SELECT h.program_id, h.ended_by AS operation_id
          FROM hold h
          JOIN operation o ON o.program_id = h.program_id AND o.id = h.ended_by
           AND o.kind IN ('capture', 'void', 'order', 'release')
         GROUP BY 1, 2
        HAVING count(*) > 1
        """,
    ),
    Invariant(
        "holds_are_spent_as_captured",
        "What operations spent out of held points is what the holds that they ended say was captured.",
        """
        SELECT program_id, operation_id
          FROM (SELECT h.program_id, h.ended_by AS operation_id, h.captured AS points FROM hold h
                 WHERE h.ended_by IS NOT NULL
                 UNION ALL
                SELECT p.program_id, p.operation_id, -p.amount FROM posting p
                 WHERE p.source = 'held' AND p.destination = 'redeemed') x
         GROUP BY 1, 2
        HAVING sum(points) <> 0
        """,
    ),
)
