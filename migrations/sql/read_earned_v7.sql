-- What a member, and those that it stands for, earned in some wallets since so many days before a moment, NULL days: ever;
-- less what was taken back. By when what earned it happened: [moment, points], by wallet. What a friend's referral gave and
-- takes back counts as of when it was given, as goods that come back count as of when they were bought.
-- Each look-up is LATERAL: a plan that was made while the tables were empty reads a whole program otherwise.
CREATE FUNCTION loyalty.read_earned_v7(
    p_program integer, p_member uuid, p_wallets text[], p_days integer[], p_at timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_family uuid[] := read_family_v3(p_program, p_member);
BEGIN
    RETURN (
        SELECT jsonb_object_agg(s.wallet, s.moved)
          FROM (SELECT g.wallet, jsonb_agg(jsonb_build_array(g.happened_at, g.points) ORDER BY g.happened_at) AS moved
                  FROM (SELECT w.wallet, h.happened_at,
                               sum(CASE p.source WHEN 'issued' THEN p.amount ELSE -p.amount END) AS points
                          FROM unnest(v_family) f(id)
                         CROSS JOIN LATERAL (
                              SELECT x.operation_id, x.wallet, x.source, x.amount FROM posting x
                               WHERE x.program_id = p_program AND x.member_id = f.id
                                 AND 'issued' IN (x.source, x.destination) OFFSET 0) p
                          JOIN unnest(p_wallets, p_days) w(wallet, days) ON w.wallet = p.wallet
                         CROSS JOIN LATERAL (
                              SELECT x.id, x.kind, x.member_id, x.order_id, x.effective_at FROM operation x
                               WHERE x.program_id = p_program AND x.id = p.operation_id LIMIT 1) o
                          LEFT JOIN LATERAL (
                              SELECT x.placed_at FROM "order" x
                               WHERE x.program_id = p_program AND x.id = o.order_id LIMIT 1) b ON true
                          LEFT JOIN LATERAL (
                              SELECT g.effective_at FROM operation g
                               WHERE o.kind = 'referral_reversal' AND g.program_id = p_program AND g.member_id = o.member_id
                                 AND g.id < o.id AND g.kind = 'referral_reward'
                               ORDER BY g.id DESC LIMIT 1) r ON true
                         CROSS JOIN LATERAL (
                              SELECT coalesce(b.placed_at, r.effective_at, o.effective_at) AS happened_at) h
                         WHERE w.days IS NULL OR h.happened_at >= p_at - make_interval(days => w.days)
                         GROUP BY 1, 2) g
                 WHERE g.points <> 0 GROUP BY 1) s);
END $$;
