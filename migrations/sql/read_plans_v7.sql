-- What a member has of plans.
CREATE FUNCTION loyalty.read_plans_v7(p_program integer, p_member uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'plan', t.plan, 'since', t.since, 'paid_until', t.paid_until, 'ends_at', t.ends_at,
                   'is_over', t.is_over, 'cancelled_at', t.cancelled_at, 'rest', t.rest))
          FROM member_plan t WHERE t.program_id = p_program AND t.member_id = p_member);
END $$;
