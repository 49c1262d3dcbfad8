-- How much of shared counters is used, as gather shows it; one that nobody took from yet is left out.
CREATE FUNCTION loyalty.read_counters_v2(p_program integer, p_keys text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(c.key, c.used) FROM counter c WHERE c.program_id = p_program AND c.key = ANY (p_keys));
END $$;
