-- Who brought an advocate, who brought that one, and so on, at most a hundred, as far as these referrals were not rejected;
-- it ends with the friend, if that is among them.
CREATE FUNCTION loyalty.read_upline_v7(p_program integer, p_advocate uuid, p_friend uuid)
RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_upline uuid[] := '{}';
    v_here uuid := p_advocate;
BEGIN
    WHILE cardinality(v_upline) < 100 LOOP
        SELECT stands_for_v3(p_program, r.advocate_id) INTO v_here FROM referral r
         WHERE r.program_id = p_program AND r.friend_id = ANY (read_family_v3(p_program, v_here)) AND r.state <> 'rejected'
         ORDER BY r.id LIMIT 1;
        EXIT WHEN v_here IS NULL OR v_here = ANY (v_upline);
        v_upline := v_upline || v_here;
        EXIT WHEN v_here = p_friend;
    END LOOP;
    RETURN v_upline;
END $$;
