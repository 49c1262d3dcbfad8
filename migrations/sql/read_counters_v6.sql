-- How much of shared counters is taken, as gather shows it: what was used, and what reservations hold that have not run
-- out by then. One that nobody took from yet is left out.
CREATE FUNCTION loyalty.read_counters_v6(p_program integer, p_keys text[], p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(c.key, c.used + coalesce((
                   SELECT sum(l.amount) FROM counter_lease l
                    WHERE l.program_id = p_program AND l.counter = c.key AND l.until > p_now), 0))
          FROM counter c WHERE c.program_id = p_program AND c.key = ANY (p_keys));
END $$;
