-- The operation that already set what a member may set only once.
CREATE FUNCTION loyalty.read_mark_v2(p_program integer, p_member uuid, p_kind text, p_mark text)
RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT t.operation_id FROM activity_mark t
             WHERE t.program_id = p_program AND t.member_id = p_member AND t.kind = p_kind AND t.mark = p_mark);
END $$;
