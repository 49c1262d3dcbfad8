-- What a member, and those that it stands for, earned in some wallets since so many days before a moment, NULL days: ever;
-- less what was taken back. By when what earned it happened: [moment, points], by wallet. What a friend's referral gave and
-- takes back counts as of when it was given, as goods that come back count as of when they were bought.
-- What was booked long enough before all that is wanted is not read: what happens is booked at most a day before, as far as
-- clocks may be ahead, and what is booked for a member follows in time, as its ids do but for a moment; two days hold both.
-- An order has the id of the operation that placed it, so that the member's own orders, read at once, date most postings.
-- Each look-up is LATERAL, and what is joined is joined by hash: a plan that was made while the tables were empty reads a
-- whole program otherwise, or all of one side for each row of the other.
CREATE FUNCTION loyalty.read_earned_v8(
    p_program integer, p_member uuid, p_wallets text[], p_days integer[], p_at timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_family uuid[] := read_family_v3(p_program, p_member);
    v_first uuid[];
    v_before timestamptz := '-infinity';
BEGIN
    IF array_position(p_days, NULL) IS NULL THEN
        v_before := p_at - make_interval(days => (SELECT max(w.days) + 2 FROM unnest(p_days) w(days)));
        v_first := ARRAY(
            SELECT (SELECT x.id FROM operation x
                     WHERE x.program_id = p_program AND x.member_id = f.id AND x.booked_at < v_before
                     ORDER BY x.id DESC LIMIT 1)
              FROM unnest(v_family) WITH ORDINALITY f(id, place) ORDER BY f.place);
    END IF;
    RETURN (
        WITH placed AS MATERIALIZED (
            SELECT b.id, b.placed_at FROM unnest(v_family) f(id)
             CROSS JOIN LATERAL (
                  SELECT x.id, x.placed_at FROM "order" x
                   WHERE x.program_id = p_program AND x.member_id = f.id AND x.placed_at >= v_before
                   ORDER BY x.placed_at) b
        ), issued AS MATERIALIZED (
            SELECT p.* FROM unnest(v_family) WITH ORDINALITY f(id, place)
             CROSS JOIN LATERAL (
                  SELECT x.operation_id, x.wallet, CASE x.source WHEN 'issued' THEN x.amount ELSE -x.amount END AS points
                    FROM posting x
                   WHERE x.program_id = p_program AND x.member_id = f.id
                     AND x.id >= coalesce(v_first[f.place], '00000000-0000-0000-0000-000000000000'::uuid)
                     AND 'issued' IN (x.source, x.destination) AND x.wallet = ANY (p_wallets) OFFSET 0) p
        )
        SELECT jsonb_object_agg(s.wallet, s.moved)
          FROM (SELECT g.wallet, jsonb_agg(jsonb_build_array(g.happened_at, g.points) ORDER BY g.happened_at) AS moved
                  FROM (SELECT h.wallet, h.happened_at, sum(h.points) AS points
                          FROM (SELECT i.wallet, i.points, b.placed_at AS happened_at
                                  FROM issued i JOIN placed b ON b.id = i.operation_id
                                 UNION ALL
                                SELECT i.wallet, i.points, coalesce(b.placed_at, r.effective_at, o.effective_at)
                                  FROM (SELECT i.* FROM issued i
                                         WHERE NOT EXISTS (SELECT FROM placed b WHERE b.id = i.operation_id) OFFSET 0) i
                                 CROSS JOIN LATERAL (
                                      SELECT x.id, x.kind, x.member_id, x.order_id, x.effective_at FROM operation x
                                       WHERE x.program_id = p_program AND x.id = i.operation_id LIMIT 1) o
                                  LEFT JOIN LATERAL (
                                      SELECT x.placed_at FROM "order" x
                                       WHERE x.program_id = p_program AND x.id = o.order_id LIMIT 1) b ON true
                                  LEFT JOIN LATERAL (
                                      SELECT g.effective_at FROM operation g
                                       WHERE o.kind = 'referral_reversal' AND g.program_id = p_program
                                         AND g.member_id = o.member_id AND g.id < o.id AND g.kind = 'referral_reward'
                                       ORDER BY g.id DESC LIMIT 1) r ON true) h
                          JOIN unnest(p_wallets, p_days) w(wallet, days) ON w.wallet = h.wallet
                         WHERE w.days IS NULL OR h.happened_at >= p_at - make_interval(days => w.days)
                         GROUP BY 1, 2) g
                 WHERE g.points <> 0 GROUP BY 1) s);
END $$;
