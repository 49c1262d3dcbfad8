-- Pools out of which members get codes, as gather shows them. Of one of vouchers also some that nobody has yet, as [code,
-- shown]: those whose turn it is from p_turn on, then those before, so that callers who draw at the same time seldom draw
-- the same. All that are left, if there are fewer than p_most.
CREATE FUNCTION loyalty.read_pools_v6(p_program integer, p_pools text[], p_turn integer, p_most integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'key', p.key, 'kind', p.kind, 'promotion', p.promotion, 'pattern', p.pattern,
                   'is_active', p.is_active, 'terms', p.terms, 'next_codes', v.codes))
          FROM code_pool p
          LEFT JOIN LATERAL (
              SELECT jsonb_agg(jsonb_build_array(x.code, coalesce(x.shown, x.code)) ORDER BY x.turn < p_turn, x.turn) AS codes
                FROM ((SELECT c.code, c.shown, c.turn FROM promo_code c
                        WHERE c.program_id = p_program AND c.pool = p.key AND c.turn >= p_turn AND c.is_active
                        ORDER BY c.turn LIMIT p_most)
                       UNION ALL
                      (SELECT c.code, c.shown, c.turn FROM promo_code c
                        WHERE c.program_id = p_program AND c.pool = p.key AND c.turn < p_turn AND c.is_active
                        ORDER BY c.turn LIMIT p_most)
                       LIMIT p_most) x) v ON p.kind = 'vouchers'
         WHERE p.program_id = p_program AND p.key = ANY (p_pools));
END $$;
