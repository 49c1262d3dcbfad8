-- A member, and all that it stands for.
CREATE FUNCTION loyalty.read_family_v3(p_program integer, p_member uuid)
RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    v_all uuid[] := ARRAY[p_member];
    v_newest uuid[] := v_all;
BEGIN
    LOOP
        v_newest := ARRAY(SELECT m.id FROM member m WHERE m.program_id = p_program AND m.merged_into = ANY (v_newest));
        EXIT WHEN cardinality(v_newest) = 0;
        v_all := v_all || v_newest;
    END LOOP;
    RETURN v_all;
END $$;
