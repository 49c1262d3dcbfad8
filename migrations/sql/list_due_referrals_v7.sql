-- A page of the referrals that are to be rewarded, in the order in which they settled: those behind (p_after, p_after_id).
CREATE FUNCTION loyalty.list_due_referrals_v7(
    p_program integer, p_now timestamptz, p_after timestamptz, p_after_id uuid, p_limit integer
)
RETURNS TABLE (id uuid, due_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT r.id, r.due_at FROM referral r
     WHERE r.program_id = p_program AND r.due_at <= p_now AND (r.due_at, r.id) > (p_after, p_after_id)
     ORDER BY r.due_at, r.id LIMIT p_limit;
END $$;
