"""Referrals give what their operations booked, and count what their members' counters say.

Members that were ever merged are left out where counters are compared: a merge adds them up, and undoing it parts them by
what they were. What a friend was given while somebody stood for it stays with that one when they are parted.
"""

from typing import Final

from loyalty_engine.persistence.invariants.invariant import Invariant

_MERGED: Final = """
SELECT a.program_id, a.member_id FROM operation a WHERE a.kind = 'merge'
 UNION
SELECT a.program_id, a.other_member_id FROM operation a WHERE a.kind = 'merge'
"""

_PARTED: Final = """
SELECT s.program_id, s.survivor_id AS member_id
  FROM (SELECT a.program_id, unnest(ARRAY[a.member_id, a.other_member_id]) AS id
          FROM operation a
          JOIN operation u ON u.program_id = a.program_id AND u.reverses = a.id
         WHERE a.kind = 'merge') p
  JOIN stand_in s ON s.program_id = p.program_id AND s.id = p.id
"""

_COUNTED: Final = """
SELECT c.program_id, c.member_id, (c.counted).key AS counter, (c.counted).value::bigint AS used
  FROM (SELECT m.program_id, m.id AS member_id, jsonb_each_text(m.counters) AS counted
          FROM member m WHERE m.counters::text LIKE '%"referral/%') c
"""

REFERRALS: Final = (
    Invariant(
        "referrals_gave_what_was_booked",
        "What rewards of a friend's referrals issued to both sides, less what was taken back or forgiven, is what these "
        "referrals still give, unless a merge with the friend was undone.",
        f"""
        SELECT program_id, member_id
          FROM (SELECT x.program_id, s.survivor_id AS member_id, sum(x.issued) AS issued
                  FROM (SELECT o.program_id, o.member_id,
                               CASE 'issued' WHEN p.source THEN p.amount WHEN p.destination THEN -p.amount ELSE 0 END AS issued
                          FROM operation o
                          JOIN posting p ON p.program_id = o.program_id AND p.operation_id = o.id
                         WHERE o.kind IN ('referral_reward', 'referral_reversal')
                         UNION ALL
                        SELECT o.program_id, o.member_id, -coalesce((d.facts ->> 'forgiven')::bigint, 0)
                          FROM operation o
                          JOIN operation_detail d ON d.program_id = o.program_id AND d.id = o.id
                         WHERE o.kind = 'referral_reversal') x
                  JOIN stand_in s ON s.program_id = x.program_id AND s.id = x.member_id
                 GROUP BY 1, 2) b
          FULL JOIN (
              SELECT r.program_id, s.survivor_id AS member_id, sum((r.gift ->> 'points')::bigint) AS given
                FROM (SELECT x.program_id, x.friend_id, jsonb_array_elements(x.given) AS gift FROM referral x) r
                JOIN stand_in s ON s.program_id = r.program_id AND s.id = r.friend_id
               GROUP BY 1, 2) g USING (program_id, member_id)
          LEFT JOIN ({_PARTED}) u USING (program_id, member_id)
         WHERE coalesce(b.issued, 0) <> coalesce(g.given, 0) AND u.program_id IS NULL
        """,  # noqa: S608 - a statement from above
    ),
    Invariant(
        "referrals_are_counted_for_their_advocates",
        "What an advocate counts of friends, and of those it was rewarded for, are the referrals that say so, unless it was "
        "ever merged. Counters of periods that are over may be gone.",
        f"""
        SELECT program_id, member_id, counter
          FROM (SELECT c.* FROM ({_COUNTED}) c
                 WHERE c.counter LIKE 'referral/%/friends/%' OR c.counter LIKE 'referral/%/rewarded/%') c
          FULL JOIN (
              SELECT r.program_id, r.advocate_id AS member_id, unnest(r.counters) AS counter, count(*) AS friends
                FROM referral r GROUP BY 1, 2, 3) f USING (program_id, member_id, counter)
          LEFT JOIN ({_MERGED}) g USING (program_id, member_id)
         WHERE coalesce(c.used, 0) <> coalesce(f.friends, 0) AND (c.used IS NOT NULL OR counter LIKE '%/lifetime/')
           AND g.program_id IS NULL
        """,  # noqa: S608 - statements from above
    ),
    Invariant(
        "referrals_count_their_friends",
        "A member counts as brought under a programme if and only if its referral stands, unless it was ever merged.",
        f"""
        SELECT program_id, member_id
          FROM (SELECT c.program_id, c.member_id, c.counter FROM ({_COUNTED}) c
                 WHERE c.counter LIKE 'referral/%/brought/%' AND c.used > 0) c
          FULL JOIN (
              SELECT r.program_id, r.friend_id AS member_id, 'referral/' || r.programme || '/brought/lifetime/' AS counter
                FROM referral r WHERE r.state IN ('registered', 'qualified', 'rewarded')) f
         USING (program_id, member_id, counter)
          LEFT JOIN ({_MERGED}) g USING (program_id, member_id)
         WHERE (c.counter IS NULL) <> (f.counter IS NULL) AND g.program_id IS NULL
        """,  # noqa: S608 - statements from above
    ),
    Invariant(
        "referrals_are_where_they_say",
        "A referral gives, counts, and is due exactly where its state says so.",
        """
        SELECT r.program_id, r.id AS referral_id
          FROM referral r
         WHERE (r.state = 'rewarded') <> (r.given <> '[]')
            OR (r.counts_for IS NOT NULL) <> (r.state IN ('qualified', 'rewarded'))
            OR (r.counts_for IS NOT NULL AND NOT r.proofs @> jsonb_build_array(jsonb_build_array(r.counts_for)))
            OR (cardinality(r.counters) > 0) <> (r.state IN ('qualified', 'rewarded'))
            OR (r.due_at IS NOT NULL) <> (r.state IN ('registered', 'reversed') AND r.proofs <> '[]')
            OR r.due_at <> (r.proofs #>> '{0,2}')::timestamptz
        """,
    ),
    Invariant(
        "referrals_have_their_operation",
        "Each referral was registered by the operation of the same id, about its friend and its advocate.",
        """
        SELECT coalesce(r.program_id, o.program_id) AS program_id, coalesce(r.id, o.id) AS operation_id
          FROM referral r
          FULL JOIN (SELECT * FROM operation a WHERE a.kind = 'referral') o
            ON o.program_id = r.program_id AND o.id = r.id
         WHERE r.id IS NULL OR o.id IS NULL OR (o.member_id, o.other_member_id) IS DISTINCT FROM (r.friend_id, r.advocate_id)
        """,
    ),
)
