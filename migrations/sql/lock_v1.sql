-- The slow lane: lock the members first, in id order, so that a caller who keeps losing its guard gets its turn.
CREATE FUNCTION loyalty.lock_v1(p_program integer, p_members uuid[])
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    SELECT FROM member m WHERE m.program_id = p_program AND m.id = ANY (p_members) ORDER BY m.id FOR NO KEY UPDATE;
$$;
