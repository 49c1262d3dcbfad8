-- A page of the members of a program that nobody else stands for, in the order of their ids: those behind p_after.
CREATE FUNCTION loyalty.list_members_v7(p_program integer, p_after uuid, p_limit integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT m.id FROM member m
     WHERE m.program_id = p_program AND m.id > p_after AND m.merged_into IS NULL
     ORDER BY m.id LIMIT p_limit;
END $$;
