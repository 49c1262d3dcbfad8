-- The earliest moment that matters to a member's tiers, by what gather read of these and of the subject: when a tier ran
-- out of which the end has come, also those that were there before it, or before a grant or a plan, which may end any
-- moment; and when an order was placed of which goods come back, or one that was reserved.
CREATE FUNCTION loyalty.find_matter_v8(p_tiers jsonb, p_subject jsonb, p_now timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
BEGIN
    RETURN least(
        (SELECT min((b.v ->> 'until')::timestamptz)
           FROM jsonb_array_elements(p_tiers) t(v) CROSS JOIN LATERAL jsonb_path_query(t.v, '$.**') b(v)
          WHERE ((t.v ->> 'ends_at')::timestamptz <= p_now OR t.v ->> 'how' IN ('granted', 'plan'))
            AND jsonb_typeof(b.v) = 'object' AND (b.v ->> 'ends_at')::timestamptz <= p_now),
        (SELECT min((b.v #>> '{body,placed_at}')::timestamptz)
           FROM jsonb_path_query(p_subject, '$.returned[*]') b(v)),
        (p_subject #>> '{reservation,body,order,placed_at}')::timestamptz);
END $$;
