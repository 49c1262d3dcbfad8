"""What time did up to a member's last operation is booked, and somebody knows what it does next."""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

DUE: Final = (
    Invariant(
        "pending_is_what_waits",
        "A balance shows as pending what is left in lots that wait to be confirmed, or for a moment after their member's "
        "last operation.",
        """
        SELECT program_id, member_id, wallet
          FROM (SELECT b.program_id, b.member_id, b.wallet, b.pending FROM balance b WHERE b.pending <> 0) b
          FULL JOIN (
              SELECT l.program_id, l.member_id, l.wallet, sum(l.remaining) AS waiting
                FROM lot l
                JOIN member m ON m.program_id = l.program_id AND m.id = l.member_id
               WHERE l.remaining > 0 AND (l.available_at IS NULL OR l.available_at > m.booked_at)
               GROUP BY 1, 2, 3) s USING (program_id, member_id, wallet)
         WHERE coalesce(b.pending, 0) <> coalesce(s.waiting, 0)
        """,
    ),
    Invariant(
        "expired_lots_are_empty",
        "Nothing is left of points that had expired at their member's last operation, by their own date or by that of "
        "their wallet.",
        """
        SELECT l.program_id, l.member_id, l.id AS lot_id
          FROM lot l
          JOIN member m ON m.program_id = l.program_id AND m.id = l.member_id
          LEFT JOIN balance b ON b.program_id = l.program_id AND b.member_id = l.member_id AND b.wallet = l.wallet
         WHERE l.remaining > 0
           AND (l.expires_at <= m.booked_at
                OR (l.expires_at IS NULL AND b.expires_at <= m.booked_at AND l.available_at <= m.booked_at))
        """,
    ),
    Invariant(
        "lots_tell_what_expired",
        "What a lot says expired of it is what postings took out of it for that reason and did not bring back.",
        """
        SELECT program_id, lot_id
          FROM (SELECT l.program_id, l.id AS lot_id, l.expired FROM lot l WHERE l.expired <> 0) l
          FULL JOIN (
              SELECT p.program_id, p.lot_id, sum(CASE p.destination WHEN 'expired' THEN p.amount ELSE -p.amount END) AS gone
                FROM posting p WHERE 'expired' IN (p.source, p.destination) GROUP BY 1, 2) s USING (program_id, lot_id)
         WHERE coalesce(l.expired, 0) <> coalesce(s.gone, 0)
        """,
    ),
    Invariant(
        "due_dates_are_not_late",
        "A member's due date is not after the next moment at which points of it become spendable or expire, or a hold of "
        "it runs out.",
        """
        SELECT m.program_id, m.id AS member_id
          FROM member m
          JOIN (
              SELECT x.program_id, x.member_id, min(x.at) AS at
                FROM (SELECT l.program_id, l.member_id, l.expires_at AS at FROM lot l WHERE l.remaining > 0
                       UNION ALL
                      SELECT l.program_id, l.member_id, l.available_at
                        FROM lot l
                        JOIN member o ON o.program_id = l.program_id AND o.id = l.member_id
                       WHERE l.remaining > 0 AND l.available_at > o.booked_at
                       UNION ALL
                      SELECT h.program_id, h.member_id, h.expires_at FROM hold h WHERE h.ended_by IS NULL
                       UNION ALL
                      SELECT b.program_id, b.member_id, b.expires_at
                        FROM balance b
                        JOIN member o ON o.program_id = b.program_id AND o.id = b.member_id
                       WHERE b.available > 0
                         AND EXISTS (SELECT FROM lot l
                                      WHERE l.program_id = b.program_id AND l.member_id = b.member_id
                                        AND l.wallet = b.wallet AND l.remaining > 0 AND l.expires_at IS NULL
                                        AND l.available_at <= o.booked_at)) x
               GROUP BY 1, 2) s ON s.program_id = m.program_id AND s.member_id = m.id
         WHERE s.at IS NOT NULL AND (m.due_at <= s.at) IS NOT TRUE
        """,
    ),
)
