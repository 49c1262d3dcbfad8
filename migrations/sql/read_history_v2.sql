-- What a member bought before, newest first: [placed_at, spend, lines or null] of at most 1,000 orders, those it claimed
-- later among them. A function of its own, so that only programs whose rules ask for it pay for it.
CREATE FUNCTION loyalty.read_history_v2(
    p_program integer, p_member uuid, p_since timestamptz, p_until timestamptz, p_wants_lines boolean
)
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
        SELECT jsonb_agg(jsonb_build_array(h.placed_at, greatest(h.goods_total - h.paid_with_points, 0),
                                           CASE WHEN p_wants_lines THEN h.lines END)
                         ORDER BY h.placed_at DESC, h.id DESC)
          FROM (
              SELECT * FROM (
                  (SELECT b.id, b.placed_at, b.goods_total, b.paid_with_points, b.lines FROM "order" b
                    WHERE b.program_id = p_program AND b.member_id = p_member
                      AND b.placed_at >= coalesce(p_since, '-infinity') AND b.placed_at <= p_until
                    ORDER BY b.placed_at DESC, b.id DESC LIMIT 1000)
                   UNION ALL
                  (SELECT b.id, b.placed_at, b.goods_total, b.paid_with_points, b.lines
                     FROM order_claim q
                     JOIN "order" b ON b.program_id = p_program AND b.id = q.order_id
                    WHERE q.program_id = p_program AND q.member_id = p_member
                      AND b.placed_at >= coalesce(p_since, '-infinity') AND b.placed_at <= p_until
                    ORDER BY b.placed_at DESC, b.id DESC LIMIT 1000)) both_kinds
               ORDER BY placed_at DESC, id DESC LIMIT 1000) h);
END $$;
