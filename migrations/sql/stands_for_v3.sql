-- The member that stands for another one: itself, or the last of those it was merged into, one after the other.
CREATE FUNCTION loyalty.stands_for_v3(p_program integer, p_member uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_member uuid := p_member;
    v_next uuid;
BEGIN
    LOOP
        SELECT m.merged_into INTO v_next FROM member m WHERE m.program_id = p_program AND m.id = v_member;
        EXIT WHEN v_next IS NULL;
        v_member := v_next;
    END LOOP;
    RETURN v_member;
END $$;
