-- The member whose referral code ends in these characters of its id, or who stands for it by now.
CREATE FUNCTION loyalty.find_advocate_v7(p_program integer, p_tail text)
RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT stands_for_v3(p_program, m.id) FROM member m
             WHERE m.program_id = p_program AND right(m.id::text, 16) = p_tail);
END $$;
