-- A page of the members with whom something is due, in the order in which it became due: those behind (p_after, p_after_id).
CREATE FUNCTION loyalty.list_due_v3(
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
    SELECT m.id, m.due_at FROM member m
     WHERE m.program_id = p_program AND m.due_at <= p_now AND (m.due_at, m.id) > (p_after, p_after_id)
     ORDER BY m.due_at, m.id LIMIT p_limit;
END $$;
