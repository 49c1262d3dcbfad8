-- What a member bought before and kept, newest first: [placed_at, spend, lines or null] of at most 1,000 orders. Those it
-- claimed later are among them, and those of members that it stands for; orders of which nothing is left are not.
-- A function of its own, so that only programs whose rules ask for it pay for it.
CREATE FUNCTION loyalty.read_history_v3(
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
DECLARE
    v_family uuid[] := read_family_v3(p_program, p_member);
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_array(h.placed_at, h.spend, CASE WHEN p_wants_lines THEN h.lines END)
                         ORDER BY h.placed_at DESC, h.id DESC)
          FROM (
              SELECT bought.* FROM unnest(v_family) f(id)
               CROSS JOIN LATERAL (
                  (SELECT b.id, b.placed_at, coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0)) AS spend,
                          coalesce(k.lines, b.lines) AS lines
                     FROM "order" b
                     LEFT JOIN LATERAL (
                         SELECT t.spend, t.lines, t.is_gone FROM order_change t
                          WHERE t.program_id = p_program AND t.order_id = b.id ORDER BY t.number DESC LIMIT 1) k ON true
                    WHERE b.program_id = p_program AND b.member_id = f.id AND k.is_gone IS NOT TRUE
                      AND b.placed_at >= coalesce(p_since, '-infinity') AND b.placed_at <= p_until
                    ORDER BY b.placed_at DESC, b.id DESC LIMIT 1000)
                   UNION ALL
                  (SELECT b.id, b.placed_at, coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0)),
                          coalesce(k.lines, b.lines)
                     FROM order_claim q
                     JOIN "order" b ON b.program_id = p_program AND b.id = q.order_id
                     LEFT JOIN LATERAL (
                         SELECT t.spend, t.lines, t.is_gone FROM order_change t
                          WHERE t.program_id = p_program AND t.order_id = b.id ORDER BY t.number DESC LIMIT 1) k ON true
                    WHERE q.program_id = p_program AND q.member_id = f.id AND k.is_gone IS NOT TRUE
                      AND b.placed_at >= coalesce(p_since, '-infinity') AND b.placed_at <= p_until
                    ORDER BY b.placed_at DESC, b.id DESC LIMIT 1000)) bought
               ORDER BY bought.placed_at DESC, bought.id DESC LIMIT 1000) h);
END $$;
