"""What is really in the rows: the invariants of promise G1 as plain SQL, independent of all code under test."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.rebuild import Misfit, rebuild_members
from tests.harness.programs import Program, owner

TABLES: Final = (
    "member",
    "balance",
    "member_identity",
    "member_profile",
    "member_note",
    "operation",
    "operation_detail",
    "idempotency",
    "reversal",
    "refusal",
    "order",
    "order_key",
    "order_parked",
    "order_claim",
    "order_change",
    "return_waiting",
    "posting",
    "lot",
    "lot_use",
    "hold",
    "counter",
    "counter_use",
    "reservation",
    "reservation_end",
    "counter_lease",
    "member_tier",
    "tier_move",
    "member_plan",
    "plan_move",
    "referral",
    "member_fingerprint",
    "activity",
    "activity_mark",
)

_SUMS: Final = """
(SELECT member_id, wallet,
        sum(CASE 'available' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END)::bigint AS available,
        sum(CASE 'pending' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END)::bigint AS pending,
        sum(CASE 'held' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END)::bigint AS held,
        sum(CASE 'debt' WHEN source THEN amount WHEN destination THEN -amount ELSE 0 END)::bigint AS debt
   FROM posting WHERE program_id = $1 GROUP BY member_id, wallet)
"""

_LAST: Final = """
(SELECT DISTINCT ON (member_id, wallet) member_id, wallet, available, pending, held, debt
   FROM posting WHERE program_id = $1 ORDER BY member_id, wallet, seq DESC)
"""

_DIFFER: Final = (
    "(coalesce(b.available, 0), coalesce(b.pending, 0), coalesce(b.held, 0), coalesce(b.debt, 0)) <> "
    "(coalesce(x.available, 0), coalesce(x.pending, 0), coalesce(x.held, 0), coalesce(x.debt, 0))"
)

INVARIANTS: Final[Mapping[str, str]] = {
    "a balance is not the sum of its postings": f"""
        SELECT coalesce(b.member_id, x.member_id)::text FROM (SELECT * FROM balance WHERE program_id = $1) b
          FULL JOIN {_SUMS} x USING (member_id, wallet) WHERE {_DIFFER}""",
    "a balance is not what its last posting says": f"""
        SELECT coalesce(b.member_id, x.member_id)::text FROM (SELECT * FROM balance WHERE program_id = $1) b
          FULL JOIN {_LAST} x USING (member_id, wallet) WHERE {_DIFFER}""",
    "a balance is not the sum of its lots": """
        SELECT coalesce(b.member_id, x.member_id)::text FROM (SELECT * FROM balance WHERE program_id = $1) b
          FULL JOIN (SELECT member_id, wallet, sum(remaining)::bigint AS points FROM lot
                      WHERE program_id = $1 GROUP BY member_id, wallet) x USING (member_id, wallet)
         WHERE coalesce(b.available + b.pending, 0) <> coalesce(x.points, 0)""",
    "what is held is not what open holds set aside": """
        SELECT coalesce(b.member_id, x.member_id)::text
          FROM (SELECT * FROM balance WHERE program_id = $1 AND held > 0) b
          FULL JOIN (SELECT member_id, wallet, sum(points)::bigint AS points FROM hold
                      WHERE program_id = $1 AND ended_by IS NULL GROUP BY member_id, wallet) x USING (member_id, wallet)
         WHERE coalesce(b.held, 0) <> coalesce(x.points, 0)""",
    "what is pending is not what is left in lots that wait": """
        SELECT m.id::text FROM member m
          JOIN balance b ON b.program_id = $1 AND b.member_id = m.id
          LEFT JOIN lot l ON l.program_id = $1 AND l.member_id = m.id AND l.wallet = b.wallet
         WHERE m.program_id = $1 GROUP BY m.id, b.wallet, b.pending
        HAVING b.pending <> coalesce(sum(l.remaining) FILTER (
                   WHERE l.available_at IS NULL OR l.available_at > m.booked_at), 0)""",
    "points outlived their expiry": """
        SELECT l.id::text FROM lot l JOIN member m ON m.program_id = $1 AND m.id = l.member_id
         WHERE l.program_id = $1 AND l.remaining > 0 AND l.expires_at <= m.booked_at""",
    "a lot is not short of what expired of it": """
        SELECT l.id::text FROM lot l LEFT JOIN (
            SELECT lot_id, sum(CASE destination WHEN 'expired' THEN amount ELSE -amount END) AS gone FROM posting
             WHERE program_id = $1 AND 'expired' IN (source, destination) GROUP BY lot_id) x ON x.lot_id = l.id
         WHERE l.program_id = $1 AND coalesce(l.expired, 0) <> coalesce(x.gone, 0)""",
    "nobody knows that something becomes due": """
        SELECT m.id::text FROM member m
          JOIN (SELECT member_id, expires_at AS at FROM lot WHERE program_id = $1 AND remaining > 0
                 UNION ALL SELECT l.member_id, l.available_at FROM lot l
                   JOIN member o ON o.program_id = $1 AND o.id = l.member_id AND l.available_at > o.booked_at
                  WHERE l.program_id = $1 AND l.remaining > 0
                 UNION ALL SELECT member_id, expires_at FROM hold WHERE program_id = $1 AND ended_by IS NULL
                 UNION ALL SELECT member_id, ends_at FROM member_tier WHERE program_id = $1
                 UNION ALL SELECT member_id, ends_at FROM member_plan WHERE program_id = $1 AND NOT is_over
                 UNION ALL SELECT member_id, expires_at FROM balance WHERE program_id = $1 AND available > 0) x
            ON x.member_id = m.id
         WHERE m.program_id = $1 AND m.merged_into IS NULL
           AND x.at IS NOT NULL AND (m.due_at IS NULL OR m.due_at > x.at)""",
    "a membership is not what the last of its moves left": """
        SELECT coalesce(t.member_id, v.member_id)::text
          FROM (SELECT * FROM member_plan WHERE program_id = $1) t
          FULL JOIN (SELECT * FROM plan_move a WHERE program_id = $1 AND version = (
                         SELECT max(b.version) FROM plan_move b
                          WHERE b.program_id = $1 AND b.member_id = a.member_id AND b.plan = a.plan)) v
            ON v.member_id = t.member_id AND v.plan = t.plan
         WHERE (t.since, t.paid_until, t.ends_at, t.is_over) IS DISTINCT FROM (v.since, v.paid_until, v.ends_at, v.is_over)""",
    "a member is not in the tier to which it was led": """
        SELECT coalesce(t.member_id, v.member_id)::text
          FROM (SELECT * FROM member_tier WHERE program_id = $1) t
          FULL JOIN (SELECT * FROM tier_move a WHERE program_id = $1 AND version = (
                         SELECT max(b.version) FROM tier_move b
                          WHERE b.program_id = $1 AND b.member_id = a.member_id AND b.tier_set = a.tier_set)) v
            ON v.member_id = t.member_id AND v.tier_set = t.tier_set
         WHERE (t.tier, t.since, t.until, t.ends_at, t.how) IS DISTINCT FROM (v.tier, v.since, v.until, v.ends_at, v.how)
            OR t.member_id IS NULL OR v.member_id IS NULL""",
    "a hold is not what left its lots, or has no operations": """
        SELECT h.id::text FROM hold h
          LEFT JOIN operation o ON o.program_id = $1 AND o.id = h.id AND o.member_id = h.member_id
                               AND o.kind IN ('hold', 'reservation')
          LEFT JOIN operation e ON e.program_id = $1 AND e.id = h.ended_by AND e.member_id = h.member_id
                               AND e.kind = ANY (CASE o.kind WHEN 'hold' THEN '{capture, void, time_passed}'::text[]
                                                             ELSE '{order, release, time_passed}' END)
          LEFT JOIN (SELECT operation_id, sum(amount)::bigint AS points FROM lot_use
                      WHERE program_id = $1 GROUP BY operation_id) u ON u.operation_id = h.id
         WHERE h.program_id = $1 AND (o.id IS NULL OR u.points IS DISTINCT FROM h.points
                                      OR (h.ended_by IS NULL) <> (e.id IS NULL) OR (h.captured IS NULL) <> (e.id IS NULL))""",
    "a balance is negative": """
        SELECT member_id::text FROM balance
         WHERE program_id = $1 AND least(available, pending, held, debt) < 0""",
    "a member has points and a debt": """
        SELECT member_id::text FROM balance WHERE program_id = $1 AND available > 0 AND debt > 0""",
    "a posting's balance does not follow from the one before": """
        SELECT id::text FROM (
            SELECT *, lag(available, 1, 0::bigint) OVER w AS a, lag(pending, 1, 0::bigint) OVER w AS p,
                   lag(held, 1, 0::bigint) OVER w AS h, lag(debt, 1, 0::bigint) OVER w AS d
              FROM posting WHERE program_id = $1 WINDOW w AS (PARTITION BY member_id, wallet ORDER BY seq)) x
         WHERE (available - a, pending - p, held - h, debt - d) <>
               (CASE 'available' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END,
                CASE 'pending' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END,
                CASE 'held' WHEN destination THEN amount WHEN source THEN -amount ELSE 0 END,
                CASE 'debt' WHEN source THEN amount WHEN destination THEN -amount ELSE 0 END)""",
    "a member's postings are not numbered without gaps": """
        SELECT m.id::text FROM member m LEFT JOIN (
            SELECT member_id, count(*) AS n, min(seq) AS first, max(seq) AS last, count(DISTINCT seq) AS seqs
              FROM posting WHERE program_id = $1 GROUP BY member_id) x ON x.member_id = m.id
         WHERE m.program_id = $1
           AND (m.seq, m.seq, m.seq, least(m.seq, 1)) IS DISTINCT FROM
               (coalesce(x.n, 0), coalesce(x.last, 0), coalesce(x.seqs, 0), coalesce(x.first, 0))""",
    "a posting has no member": """
        SELECT p.id::text FROM posting p WHERE p.program_id = $1
           AND NOT EXISTS (SELECT FROM member m WHERE m.program_id = $1 AND m.id = p.member_id)""",
    "a lot is not its amount less its uses": """
        SELECT l.id::text FROM lot l LEFT JOIN (
            SELECT lot_id, sum(amount) AS used FROM lot_use WHERE program_id = $1 GROUP BY lot_id) u ON u.lot_id = l.id
         WHERE l.program_id = $1 AND l.remaining <> l.amount - coalesce(u.used, 0)""",
    "a lot was not issued by a posting": """
        SELECT l.id::text FROM lot l
          JOIN operation o ON o.program_id = $1 AND o.id = l.operation_id
          LEFT JOIN posting p
            ON p.program_id = $1 AND p.member_id = l.member_id AND p.lot_id = l.id AND p.operation_id = l.operation_id
           AND p.wallet = l.wallet AND p.amount = l.amount AND p.destination IN ('available', 'pending')
         WHERE l.program_id = $1 AND p.id IS NULL
           AND o.kind IN ('order', 'claim', 'order_edit', 'activity', 'adjustment', 'opening', 'activation', 'transfer',
                          'merge', 'referral_reward')""",
    "a lot use has no lot": """
        SELECT u.lot_id::text FROM lot_use u WHERE u.program_id = $1
           AND NOT EXISTS (SELECT FROM lot l WHERE l.program_id = $1 AND l.id = u.lot_id)""",
    "an operation's lots do not move what its postings move": """
        SELECT coalesce(p.operation_id, l.operation_id)::text FROM (
            SELECT operation_id, sum(CASE WHEN destination IN ('available', 'pending') THEN amount ELSE 0 END
                     - CASE WHEN source IN ('available', 'pending') THEN amount ELSE 0 END) AS points
              FROM posting WHERE program_id = $1 GROUP BY operation_id) p
          FULL JOIN (
            SELECT operation_id, sum(points) AS points FROM (
                SELECT operation_id, amount AS points FROM lot WHERE program_id = $1
                 UNION ALL SELECT operation_id, -amount FROM lot_use WHERE program_id = $1) x
             GROUP BY operation_id) l USING (operation_id)
         WHERE coalesce(p.points, 0) <> coalesce(l.points, 0)""",
    "a posting has no operation of its member": """
        SELECT p.id::text FROM posting p WHERE p.program_id = $1
           AND NOT EXISTS (SELECT FROM operation o
                            WHERE o.program_id = $1 AND o.id = p.operation_id
                              AND p.member_id IN (o.member_id, o.other_member_id))""",
    "an operation has no detail": """
        SELECT o.id::text FROM operation o WHERE o.program_id = $1
           AND NOT EXISTS (SELECT FROM operation_detail d WHERE d.program_id = $1 AND d.id = o.id)""",
    "an operation has no key": """
        SELECT o.id::text FROM operation o WHERE o.program_id = $1 AND o.kind NOT IN ('time_passed', 'plan_lapse', 'tier_review', 'referral_reward')
           AND NOT EXISTS (SELECT FROM operation t
                             JOIN idempotency i ON i.program_id = $1 AND NOT i.is_refusal AND i.outcome_id = t.id
                            WHERE t.program_id = $1 AND t.transaction = o.transaction
                              AND (t.id = o.id OR o.kind IN ('referral', 'referral_reversal')
                                   OR (o.kind, t.kind) IN (('return', 'order'), ('release', 'reservation'))))""",
    "a key has no outcome": """
        SELECT i.key FROM idempotency i WHERE i.program_id = $1
           AND NOT EXISTS (SELECT FROM operation o WHERE NOT i.is_refusal AND o.program_id = $1 AND o.id = i.outcome_id)
           AND NOT EXISTS (SELECT FROM refusal r WHERE i.is_refusal AND r.program_id = $1 AND r.id = i.outcome_id)""",
    "a refusal moved something": """
        SELECT r.id::text FROM refusal r WHERE r.program_id = $1
           AND EXISTS (SELECT FROM operation o WHERE o.program_id = $1 AND o.id = r.id)""",
    "a member's version is not the number of its operations": """
        SELECT m.id::text FROM member m LEFT JOIN (
            SELECT member_id, count(*) AS n
              FROM (SELECT member_id FROM operation WHERE program_id = $1
                     UNION ALL SELECT other_member_id FROM operation WHERE program_id = $1) x GROUP BY member_id) o
            ON o.member_id = m.id
         WHERE m.program_id = $1 AND m.version <> coalesce(o.n, 0)""",
    "an order, its number and its operation do not belong together": """
        SELECT coalesce(r.id, k.order_id, o.id)::text
          FROM (SELECT * FROM "order" WHERE program_id = $1) r
          FULL JOIN (SELECT k.* FROM order_key k WHERE k.program_id = $1
                        AND NOT EXISTS (SELECT FROM operation o
                                         WHERE o.program_id = $1 AND o.id = k.order_id
                                           AND o.kind IN ('return', 'plan_payment', 'activity'))) k
            ON k.order_id = r.id
          FULL JOIN (SELECT * FROM operation WHERE program_id = $1 AND kind = 'order') o ON o.id = r.id
         WHERE r.id IS NULL OR k.order_id IS NULL OR o.id IS NULL OR r.member_id IS DISTINCT FROM o.member_id""",
    "a claim and its order do not belong together": """
        SELECT o.id::text
          FROM (SELECT * FROM operation WHERE program_id = $1 AND kind = 'claim') o
          FULL JOIN (SELECT * FROM order_claim WHERE program_id = $1) c
            ON c.operation_id = o.id AND c.order_id = o.order_id AND c.member_id = o.member_id
          LEFT JOIN "order" r ON r.program_id = $1 AND r.id = o.order_id
         WHERE o.id IS NULL OR c.order_id IS NULL OR r.id IS NULL OR r.member_id IS NOT NULL""",
    "a reversal and its operation do not belong together": """
        SELECT coalesce(o.id, v.operation_id)::text
          FROM (SELECT * FROM operation WHERE program_id = $1 AND reverses IS NOT NULL) o
          FULL JOIN (SELECT * FROM reversal WHERE program_id = $1) v
            ON v.operation_id = o.id AND v.reversed_id = o.reverses
          LEFT JOIN operation r ON r.program_id = $1 AND r.id = o.reverses
         WHERE o.id IS NULL OR v.operation_id IS NULL OR r.id IS NULL
            OR (r.member_id IS DISTINCT FROM o.member_id AND NOT EXISTS (
                    SELECT FROM operation x
                     WHERE x.program_id = $1 AND x.kind = 'merge' AND x.other_member_id = r.member_id))""",
    "a number that is waited for has nobody who waits": """
        SELECT k.natural_key FROM order_key k WHERE k.program_id = $1
           AND (k.request_hash = '') <> EXISTS (SELECT FROM return_waiting w
                                                 WHERE w.program_id = $1 AND w.natural_key = k.natural_key
                                                   AND w.operation_id = k.order_id)""",
    "a return waits for nothing, or was applied by nobody": """
        SELECT w.operation_id::text FROM return_waiting w
          LEFT JOIN operation o ON o.program_id = $1 AND o.id = w.operation_id AND o.kind = 'return'
          LEFT JOIN order_key k ON k.program_id = $1 AND k.natural_key = w.natural_key
          LEFT JOIN operation a ON a.program_id = $1 AND a.id = w.applied_by AND a.order_id = k.order_id
         WHERE w.program_id = $1 AND (o.id IS NULL OR k.order_id IS NULL OR (w.applied_by IS NULL) <> (a.id IS NULL))""",
    "an order's changes are not numbered without gaps, each by an operation": """
        SELECT t.order_id::text FROM order_change t
          LEFT JOIN operation o ON o.program_id = $1 AND o.id = t.operation_id AND o.order_id = t.order_id
         WHERE t.program_id = $1 GROUP BY t.order_id
        HAVING count(*) <> max(t.number) OR min(t.number) <> 1 OR count(DISTINCT o.id) <> count(*)""",
    "a member's counters are not those of its orders": """
        WITH RECURSIVE stands AS (
            SELECT id, id AS last FROM member WHERE program_id = $1 AND merged_into IS NULL
             UNION ALL
            SELECT m.id, s.last FROM member m JOIN stands s ON m.merged_into = s.id WHERE m.program_id = $1
        ), kept AS (
            SELECT DISTINCT ON (order_id) order_id, spend, is_gone FROM order_change
             WHERE program_id = $1 ORDER BY order_id, number DESC
        )
        SELECT m.id::text FROM member m LEFT JOIN (
            SELECT s.last AS member_id, count(*) FILTER (WHERE k.is_gone IS NOT TRUE) AS orders,
                   sum(coalesce(k.spend, greatest(r.goods_total - r.paid_with_points, 0)))
                       FILTER (WHERE k.is_gone IS NOT TRUE) AS spend,
                   min(r.placed_at) AS first, max(r.placed_at) AS last
              FROM operation o JOIN "order" r ON r.program_id = $1 AND r.id = o.order_id
              JOIN stands s ON s.id = o.member_id
              LEFT JOIN kept k ON k.order_id = r.id
             WHERE o.program_id = $1 AND o.kind IN ('order', 'claim') GROUP BY s.last) x ON x.member_id = m.id
         WHERE m.program_id = $1
           AND ((m.orders, m.spend) IS DISTINCT FROM (coalesce(x.orders, 0), coalesce(x.spend, 0))
             OR ((m.first_order_at, m.last_order_at) IS DISTINCT FROM (x.first, x.last)
                 AND NOT EXISTS (SELECT FROM operation o WHERE o.program_id = $1 AND o.kind = 'merge'
                                    AND m.id IN (o.member_id, o.other_member_id))))""",
    "points are still under way": """
        SELECT wallet FROM posting WHERE program_id = $1 AND 'transit' IN (source, destination) GROUP BY wallet
        HAVING sum(CASE destination WHEN 'transit' THEN amount ELSE -amount END) <> 0""",
    "a counter is over its cap": "SELECT key FROM counter WHERE program_id = $1 AND (used > cap OR used < 0)",
    "a counter is not what was taken from it": """
        SELECT coalesce(c.key, x.counter) FROM (SELECT * FROM counter WHERE program_id = $1) c
          FULL JOIN (SELECT counter, sum(amount) AS taken FROM counter_use
                      WHERE program_id = $1 GROUP BY counter) x ON x.counter = c.key
         WHERE c.key IS NULL OR c.used <> coalesce(x.taken, 0)""",
    "something was taken from a counter by nobody": """
        SELECT u.counter FROM counter_use u WHERE u.program_id = $1
           AND NOT EXISTS (SELECT FROM operation o WHERE o.program_id = $1 AND o.id = u.operation_id)""",
    "leases are not what open reservations hold": """
        SELECT coalesce(l.counter, x.counter) FROM (SELECT * FROM counter_lease WHERE program_id = $1) l
          FULL JOIN (SELECT u ->> 0 AS counter, r.until, sum((u ->> 1)::bigint) AS amount
                       FROM reservation r CROSS JOIN LATERAL jsonb_array_elements(r.body -> 'uses') u
                      WHERE r.program_id = $1 AND (u ->> 3)::boolean
                        AND NOT EXISTS (SELECT FROM reservation_end e WHERE e.program_id = $1 AND e.reservation_id = r.id)
                      GROUP BY 1, 2) x ON x.counter = l.counter AND x.until = l.until
         WHERE l.amount IS DISTINCT FROM x.amount AND (coalesce(l.amount, 0) <> 0 OR x.until > now())""",
    "a reservation and its operations do not belong together": """
        SELECT coalesce(r.id, o.id)::text FROM (SELECT * FROM reservation WHERE program_id = $1) r
          FULL JOIN (SELECT * FROM operation WHERE program_id = $1 AND kind = 'reservation') o ON o.id = r.id
          LEFT JOIN reservation_end e ON e.program_id = $1 AND e.reservation_id = r.id
          LEFT JOIN operation q ON q.program_id = $1 AND q.id = e.operation_id
                               AND q.kind = CASE e.how WHEN 'confirmed' THEN 'order' ELSE 'release' END
         WHERE r.id IS NULL OR o.id IS NULL OR r.member_id IS DISTINCT FROM o.member_id
            OR (e.how IS NULL) <> (q.id IS NULL)""",
    "an activity and its operation do not belong together": """
        SELECT coalesce(a.id, o.id)::text
          FROM (SELECT * FROM activity WHERE program_id = $1) a
          FULL JOIN (SELECT * FROM operation WHERE program_id = $1 AND kind = 'activity') o ON o.id = a.id
         WHERE a.id IS NULL OR o.id IS NULL OR a.member_id <> o.member_id OR a.occurred_at <> o.effective_at""",
    "a referral does not give what it was rewarded with": """
        SELECT r.id::text FROM referral r
          LEFT JOIN (SELECT o.member_id, sum(CASE 'issued' WHEN p.source THEN p.amount WHEN p.destination THEN -p.amount
                                             ELSE 0 END) AS points
                       FROM operation o JOIN posting p ON p.program_id = $1 AND p.operation_id = o.id
                      WHERE o.program_id = $1 AND o.kind IN ('referral_reward', 'referral_reversal')
                      GROUP BY 1) x ON x.member_id = r.friend_id
         WHERE r.program_id = $1
           AND ((r.state = 'rewarded') <> (r.given <> '[]')
                OR coalesce(x.points, 0) <> coalesce((SELECT sum((g ->> 'points')::bigint)
                                                        FROM jsonb_array_elements(r.given) g), 0))
           AND NOT EXISTS (SELECT FROM operation o WHERE o.program_id = $1 AND o.kind = 'merge'
                              AND r.friend_id IN (o.member_id, o.other_member_id))
           AND NOT EXISTS (SELECT FROM operation_detail d WHERE d.program_id = $1 AND d.facts ->> 'forgiven' IS NOT NULL)""",
    "an advocate does not count its friends": """
        SELECT m.id::text FROM member m
          LEFT JOIN (SELECT advocate_id, count(*) AS friends FROM referral
                      WHERE program_id = $1 AND state IN ('qualified', 'rewarded') GROUP BY 1) x ON x.advocate_id = m.id
         WHERE m.program_id = $1
           AND coalesce(x.friends, 0) <> coalesce((SELECT sum(c.value::bigint) FROM jsonb_each_text(m.counters) c
                                                    WHERE c.key LIKE 'referral/%/friends/lifetime/'), 0)
           AND NOT EXISTS (SELECT FROM operation o WHERE o.program_id = $1 AND o.kind = 'merge'
                              AND m.id IN (o.member_id, o.other_member_id))""",
    "a mark was set by no activity": """
        SELECT k.mark FROM activity_mark k WHERE k.program_id = $1
           AND NOT EXISTS (SELECT FROM activity a WHERE a.program_id = $1 AND a.id = k.operation_id
                              AND a.member_id = k.member_id AND a.kind = k.kind)""",
}

_ALL: Final = "\nUNION ALL\n".join(
    f"SELECT '{name.replace(chr(39), chr(39) * 2)}' AS fault, x.* FROM ({query} LIMIT 5) x(subject)"
    for name, query in INVARIANTS.items()
)


_PATIENCE_SECONDS: Final = 3600.0
"""A million members take a while to look through."""


async def find_faults(connection: Connection, program_id: int) -> list[str]:
    """Return what is wrong with a program's rows in one snapshot: one statement sees one."""
    rows = await connection.fetch(_ALL, program_id, timeout=_PATIENCE_SECONDS)
    return [f"{row['fault']}: {row['subject']}" for row in rows]


@dataclass(frozen=True, slots=True)
class Ledger:
    """One program's rows."""

    connection: Connection
    program_id: int

    @classmethod
    @asynccontextmanager
    async def open(cls, program: Program) -> "AsyncIterator[Ledger]":
        """Read a program's rows as the owner role."""
        async with owner(program.database_url) as connection:
            # PostgreSQL may not have counted the program's rows yet; one that it takes for empty it joins row by row.
            await connection.execute("SET search_path = loyalty; SET enable_nestloop = off")
            yield cls(connection, program.id)

    async def faults(self) -> list[str]:
        """Return every broken invariant with whom it concerns; an empty list is what tests want."""
        return await find_faults(self.connection, self.program_id)

    async def misfits(self) -> list[Misfit]:
        """Return every stored figure that is not what history says; an empty list is what tests want."""
        return [misfit async for misfit in rebuild_members(self.connection, self.program_id)]

    async def count(self, table: str, where: str = "true", *arguments: object) -> int:
        """Count rows of a table; ``where`` may use ``$2`` and on."""
        sql = f'SELECT count(*) FROM "{table}" WHERE program_id = $1 AND {where}'
        return int(await self.connection.fetchval(sql, self.program_id, *arguments))

    async def counts(self) -> dict[str, int]:
        """Count the rows of every table, to prove that nothing was written."""
        counted = [
            f"SELECT '{table}' AS name, count(*) AS n FROM \"{table}\" WHERE program_id = $1" for table in TABLES
        ]
        rows = await self.connection.fetch(" UNION ALL ".join(counted), self.program_id)
        return {row["name"]: row["n"] for row in rows}

    async def balances(self, member: UUID) -> dict[str, tuple[int, int, int, int]]:
        """Return available, pending, held and debt per wallet."""
        rows = await self.connection.fetch(
            "SELECT wallet, available, pending, held, debt FROM balance WHERE program_id = $1 AND member_id = $2",
            self.program_id,
            member,
        )
        return {row[0]: tuple(row)[1:] for row in rows}

    async def nets(self) -> dict[str, int]:
        """Return ``{"mem_…/wallet": available - debt}`` of all members."""
        rows = await self.connection.fetch(
            "SELECT member_id, wallet, available - debt FROM balance WHERE program_id = $1", self.program_id
        )
        return {f"{show_id('mem', row[0])}/{row[1]}": row[2] for row in rows}

    async def order_ids(self) -> list[str]:
        """Return the shops' own ids of all accepted orders."""
        rows = await self.connection.fetch(
            "SELECT rest -> 'reference' ->> 'order_id' FROM \"order\" WHERE program_id = $1", self.program_id
        )
        return [row[0] for row in rows]

    async def fingerprint(self) -> dict[str, str | None]:
        """Return a digest of every table, to prove that nothing in it changed."""
        digests = [
            f"SELECT '{table}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest "
            f'FROM "{table}" t WHERE program_id = $1'
            for table in TABLES
            if table not in {"idempotency", "refusal"}
        ]
        rows = await self.connection.fetch(" UNION ALL ".join(digests), self.program_id)
        return {row["name"]: row["digest"] for row in rows}
