-- A member's open holds. Called only where a balance says that something is held.
CREATE FUNCTION loyalty.read_holds_v3(p_program integer, p_member uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(read_hold_v3(p_program, h.id) ORDER BY h.id) FROM hold h
             WHERE h.program_id = p_program AND h.member_id = p_member AND h.ended_by IS NULL);
END $$;
