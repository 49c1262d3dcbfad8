-- What an operation took out of lots: [lot, amount], in the order in which they are spent.
CREATE FUNCTION loyalty.read_uses_v3(p_program integer, p_operation uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_array(u.lot_id, u.amount) ORDER BY l.expires_at NULLS LAST, l.earned_at, l.id)
              FROM lot_use u
              JOIN lot l ON l.program_id = p_program AND l.id = u.lot_id
             WHERE u.program_id = p_program AND u.operation_id = p_operation);
END $$;
