"""What became of orders, and returns that wait for theirs."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

RETURNS: Final = (
    Invariant(
        "order_changes_follow_each_other",
        "The changes of an order are numbered 1, 2, 3 …, and each was made by an operation of its own about that order.",
        """
        SELECT t.program_id, t.order_id
          FROM order_change t
          LEFT JOIN operation o ON o.program_id = t.program_id AND o.id = t.operation_id AND o.order_id = t.order_id
          LEFT JOIN "order" b ON b.program_id = t.program_id AND b.id = t.order_id
         GROUP BY 1, 2
        HAVING (min(t.number), max(t.number), count(DISTINCT o.id), count(b.id)) <> (1, count(*), count(*), count(*))
        """,
    ),
    Invariant(
        "order_changes_are_complete",
        "Whatever takes goods of an order back, edits, cancels or activates it is one of its changes.",
        """
        SELECT o.program_id, o.order_id, o.id AS operation_id
          FROM operation o
          LEFT JOIN order_change t ON t.program_id = o.program_id AND t.operation_id = o.id
         WHERE o.kind IN ('return', 'order_cancel', 'order_edit', 'activation') AND o.order_id IS NOT NULL
           AND t.operation_id IS NULL
        """,
    ),
    Invariant(
        "waiting_returns_have_their_operation",
        "A return that came before its order was accepted by its operation, and one that waits no more was dealt with by "
        "an operation about the order of that number.",
        """
        SELECT coalesce(w.program_id, o.program_id) AS program_id, coalesce(w.operation_id, o.id) AS operation_id
          FROM return_waiting w
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'return' AND a.order_id IS NULL) o
            ON o.program_id = w.program_id AND o.id = w.operation_id
          LEFT JOIN order_key k ON k.program_id = w.program_id AND k.natural_key = w.natural_key
          LEFT JOIN operation e ON e.program_id = w.program_id AND e.id = w.applied_by AND e.order_id = k.order_id
         WHERE w.operation_id IS NULL OR o.id IS NULL OR k.order_id IS NULL
            OR (w.applied_by IS NULL) <> (e.id IS NULL)
        """,
    ),
)
