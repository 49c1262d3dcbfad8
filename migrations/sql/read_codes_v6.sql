-- Promo codes that exist, each with its pool, as gather shows them; whose they are is told of the member that stands for
-- a merged one.
CREATE FUNCTION loyalty.read_codes_v6(p_program integer, p_codes text[])
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
        SELECT jsonb_agg(jsonb_build_object(
                   'code', c.code, 'is_active', c.is_active AND p.is_active,
                   'promotion', p.promotion, 'terms', p.terms,
                   'member_id', CASE WHEN c.member_id IS NOT NULL THEN stands_for_v3(p_program, c.member_id) END,
                   'starts_at', c.starts_at, 'ends_at', c.ends_at))
          FROM promo_code c
         CROSS JOIN LATERAL (
               SELECT x.* FROM code_pool x WHERE x.program_id = p_program AND x.key = c.pool LIMIT 1) p
         WHERE c.program_id = p_program AND c.code = ANY (p_codes));
END $$;
