-- Since when a member is one that was enrolled before its row said so: since its first operation. Its next write puts
-- that into the row, so that each such member is looked up once.
CREATE FUNCTION loyalty.read_enrolled_v2(p_program integer, p_member uuid)
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT o.booked_at FROM operation o
             WHERE o.program_id = p_program AND o.member_id = p_member ORDER BY o.id LIMIT 1);
END $$;
