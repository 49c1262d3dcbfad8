-- The kind of the operation that ended the hold that a request is about: whether somebody did, or time.
CREATE FUNCTION loyalty.read_ending_v5(p_program integer, p_subject jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_ended_by uuid := (p_subject #>> '{hold,ended_by}')::uuid;
BEGIN
    RETURN (SELECT o.kind FROM operation o
             WHERE v_ended_by IS NOT NULL AND o.program_id = p_program AND o.id = v_ended_by);
END $$;
