-- Where a member is in tier sets.
CREATE FUNCTION loyalty.read_tiers_v7(p_program integer, p_member uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'set', t.tier_set, 'tier', t.tier, 'since', t.since, 'until', t.until, 'ends_at', t.ends_at,
                   'how', t.how, 'below', t.below, 'before', t.before, 'reached_at', t.reached_at))
          FROM member_tier t WHERE t.program_id = p_program AND t.member_id = p_member);
END $$;
