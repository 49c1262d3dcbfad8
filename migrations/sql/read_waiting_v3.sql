-- The returns that still wait for the order of this number, oldest first.
CREATE FUNCTION loyalty.read_waiting_v3(p_program integer, p_natural_key text, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_array(t.operation_id, t.goods, t.returned_at, t.waits_until)
                             ORDER BY t.operation_id)
              FROM return_waiting t
             WHERE t.program_id = p_program AND t.natural_key = p_natural_key AND t.applied_by IS NULL
               AND t.waits_until > p_now);
END $$;
