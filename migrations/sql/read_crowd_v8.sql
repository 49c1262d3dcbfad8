-- Those of some members with whom nothing is due but one tier: who stands for nobody else, and has nothing below that tier
-- by hand or by a plan; with all its tiers and balances, and when time next does something to its points; never later
-- than that.
CREATE FUNCTION loyalty.read_crowd_v8(p_program integer, p_members uuid[], p_now timestamptz)
RETURNS TABLE (
    revision integer, id uuid, version bigint, orders integer, spend bigint, balances jsonb, tiers jsonb, other_tiers_end_at timestamptz,
    points_due_at timestamptz, tier_set text, tier text, since timestamptz, until timestamptz, ends_at timestamptz,
    how text, below text[], reached_at timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT p.revision, m.id, m.version, m.orders, m.spend, b.balances, o.tiers, o.ends_at, least(l.due_at, h.due_at, b.due_at),
           t.tier_set, t.tier, t.since, t.until, t.ends_at, t.how, t.below, t.reached_at
      FROM program p
     CROSS JOIN unnest(p_members) f(id)
      JOIN member m ON m.program_id = p_program AND m.id = f.id
     CROSS JOIN LATERAL (
          SELECT count(*) FILTER (WHERE x.ends_at <= p_now) AS due, min(x.ends_at) FILTER (WHERE x.ends_at > p_now) AS ends_at,
                 jsonb_object_agg(x.tier_set, x.tier) AS tiers
            FROM member_tier x WHERE x.program_id = p_program AND x.member_id = m.id) o
      JOIN member_tier t ON t.program_id = p_program AND t.member_id = m.id AND t.ends_at <= p_now
     CROSS JOIN LATERAL (
          SELECT min(least(x.expires_at, CASE WHEN x.available_at > m.booked_at THEN x.available_at END)) AS due_at
            FROM lot x WHERE x.program_id = p_program AND x.member_id = m.id AND x.remaining > 0) l
     CROSS JOIN LATERAL (
          SELECT min(x.expires_at) AS due_at
            FROM hold x WHERE x.program_id = p_program AND x.member_id = m.id AND x.ended_by IS NULL) h
     CROSS JOIN LATERAL (
          SELECT min(x.expires_at) AS due_at,
                 jsonb_object_agg(x.wallet, jsonb_build_array(x.available, x.pending, x.held, x.debt)) AS balances
            FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id) b
     WHERE p.id = p_program AND o.due = 1 AND m.booked_at <= p_now AND m.merged_into IS NULL AND m.due_at <= p_now
       AND (least(l.due_at, h.due_at, b.due_at) > p_now) IS NOT FALSE
       AND (t.before @? '$.** ? (@.how == "granted" || @.how == "plan")') IS NOT TRUE
       AND NOT EXISTS (SELECT FROM member x WHERE x.program_id = p_program AND x.merged_into = m.id);
END $$;
