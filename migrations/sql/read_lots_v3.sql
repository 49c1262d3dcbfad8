-- Lots by id, open or not, as gather shows those that a request is about.
CREATE FUNCTION loyalty.read_lots_v3(p_program integer, p_lots uuid[])
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(to_jsonb(l)) FROM lot l WHERE l.program_id = p_program AND l.id = ANY (p_lots));
END $$;
