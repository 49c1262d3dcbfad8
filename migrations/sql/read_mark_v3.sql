-- The operation that already set what a member may set only once, also by one that it stands for.
CREATE FUNCTION loyalty.read_mark_v3(p_program integer, p_member uuid, p_kind text, p_mark text)
RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_family uuid[] := read_family_v3(p_program, p_member);
BEGIN
    RETURN (SELECT (array_agg(t.operation_id))[1] FROM activity_mark t
             WHERE t.program_id = p_program AND t.member_id = ANY (v_family) AND t.kind = p_kind AND t.mark = p_mark);
END $$;
