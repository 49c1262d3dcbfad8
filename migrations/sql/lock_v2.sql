-- The slow lane: lock the members first, in id order, then the counters in key order, so that a caller who keeps losing
-- gets its turn. A counter that nobody took from yet is made, as record would make it.
CREATE FUNCTION loyalty.lock_v2(p_program integer, p_members uuid[], p_counters text[])
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    SELECT FROM member m WHERE m.program_id = p_program AND m.id = ANY (p_members) ORDER BY m.id FOR NO KEY UPDATE;
    INSERT INTO counter (program_id, key, cap)
    SELECT p_program, x.key, 0 FROM unnest(p_counters) x(key) ORDER BY x.key
        ON CONFLICT (program_id, key) DO NOTHING;
    SELECT FROM counter c WHERE c.program_id = p_program AND c.key = ANY (p_counters) ORDER BY c.key FOR NO KEY UPDATE;
$$;
