-- How many orders members placed in a time of which something is left, what they paid for that, and how many there are
-- since. Those that they claimed later are among them.
CREATE FUNCTION loyalty.sum_orders_v7(p_program integer, p_members uuid[], p_since timestamptz, p_until timestamptz)
RETURNS TABLE (id uuid, orders bigint, spend bigint, found bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT f.id, count(*) FILTER (WHERE s.placed_at < p_until),
           coalesce(sum(s.spend) FILTER (WHERE s.placed_at < p_until), 0)::bigint, count(*)
      FROM unnest(p_members) f(id)
     CROSS JOIN LATERAL (
          SELECT b.placed_at, coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0)) AS spend
            FROM (SELECT x.id, x.placed_at, x.goods_total, x.paid_with_points FROM "order" x
                   WHERE x.program_id = p_program AND x.member_id = f.id AND x.placed_at >= p_since
                   UNION ALL
                  SELECT x.id, x.placed_at, x.goods_total, x.paid_with_points
                    FROM order_claim q
                    JOIN "order" x ON x.program_id = p_program AND x.id = q.order_id AND x.placed_at >= p_since
                   WHERE q.program_id = p_program AND q.member_id = f.id) b
            LEFT JOIN LATERAL (
                 SELECT t.spend, t.is_gone FROM order_change t
                  WHERE t.program_id = p_program AND t.order_id = b.id ORDER BY t.number DESC LIMIT 1) k ON true
           WHERE k.is_gone IS NOT TRUE) s
     GROUP BY f.id;
END $$;
