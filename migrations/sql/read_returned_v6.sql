-- The orders of which goods come back, each with its life, in the order in which they are asked for; null where there is
-- none. Each is named by its id, or else by its number.
CREATE FUNCTION loyalty.read_returned_v6(p_program integer, p_ids uuid[], p_keys text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(read_order_v6(p_program, coalesce(x.id, k.order_id), true) ORDER BY x.place)
          FROM unnest(p_ids, p_keys) WITH ORDINALITY x(id, natural_key, place)
          LEFT JOIN order_key k ON k.program_id = p_program AND k.natural_key = x.natural_key);
END $$;
