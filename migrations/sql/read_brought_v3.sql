-- The lots that operations brought. Ids of lots are derived from those of their operation: they share its first half.
CREATE FUNCTION loyalty.read_brought_v3(p_program integer, p_operations uuid[])
RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT l.id
          FROM unnest(p_operations) o(id)
          JOIN lot l ON l.program_id = p_program AND l.operation_id = o.id
           AND l.id BETWEEN (left(o.id::text, 19) || '0000-000000000000')::uuid
                        AND (left(o.id::text, 19) || 'ffff-ffffffffffff')::uuid
         ORDER BY l.id);
END $$;
