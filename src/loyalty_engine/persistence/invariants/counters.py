"""Limits and budgets hold, and are what operations took."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

COUNTERS: Final = (
    Invariant(
        "counters_are_within_caps",
        "No limit or budget is overdrawn or given back too often.",
        "SELECT c.program_id, c.key AS counter FROM counter c WHERE c.used NOT BETWEEN 0 AND c.cap",
    ),
    Invariant(
        "counters_equal_uses",
        "What is used of each limit or budget is the sum of what operations took from it.",
        """
        SELECT program_id, counter
          FROM (SELECT c.program_id, c.key AS counter, c.used FROM counter c) c
          FULL JOIN (
              SELECT u.program_id, u.counter, sum(u.amount) AS taken FROM counter_use u GROUP BY 1, 2) s
         USING (program_id, counter)
         WHERE coalesce(c.used, 0) <> coalesce(s.taken, 0)
        """,
    ),
    Invariant(
        "counter_uses_have_their_operation",
        "Whatever was taken from a limit or budget was taken by an operation that exists.",
        """
        SELECT u.program_id, u.counter, u.operation_id
          FROM counter_use u
          LEFT JOIN operation o ON o.program_id = u.program_id AND o.id = u.operation_id
         WHERE o.id IS NULL
        """,
    ),
)
