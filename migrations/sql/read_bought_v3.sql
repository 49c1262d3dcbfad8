-- How many orders a member has by now, and their spend: its own and those of members that it stands for.
CREATE FUNCTION loyalty.read_bought_v3(p_program integer, p_member uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_family uuid[] := read_family_v3(p_program, p_member);
BEGIN
    RETURN (
        SELECT jsonb_build_array(count(*), coalesce(sum(coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0))), 0))
          FROM (SELECT x.id FROM "order" x WHERE x.program_id = p_program AND x.member_id = ANY (v_family)
                 UNION ALL
                SELECT q.order_id FROM order_claim q
                 WHERE q.program_id = p_program AND q.member_id = ANY (v_family)) x
          JOIN "order" b ON b.program_id = p_program AND b.id = x.id
          LEFT JOIN LATERAL (
              SELECT t.spend, t.is_gone FROM order_change t
               WHERE t.program_id = p_program AND t.order_id = b.id ORDER BY t.number DESC LIMIT 1) k ON true
         WHERE k.is_gone IS NOT TRUE);
END $$;
