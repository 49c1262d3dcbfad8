-- An operation that is to be reversed, as gather shows it: what it posted, what it took out of which lots and which it
-- brought; for a merge also what the orders of the absorbed member are by now.
CREATE FUNCTION loyalty.read_operation_v3(p_program integer, p_operation uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_own uuid[] := read_brought_v3(p_program, ARRAY[p_operation]);
    v_used uuid[] := ARRAY(
        SELECT u.lot_id FROM lot_use u WHERE u.program_id = p_program AND u.operation_id = p_operation);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', o.id, 'kind', o.kind, 'member_id', o.member_id, 'other_member_id', o.other_member_id,
                   'reversed_by', v.operation_id, 'facts', d.facts,
                   'postings', (
                       SELECT jsonb_agg(to_jsonb(p) ORDER BY p.member_id, p.seq) FROM posting p
                        WHERE p.program_id = p_program AND p.member_id IN (o.member_id, o.other_member_id)
                          AND p.operation_id = p_operation
                          AND p.id BETWEEN (left(p_operation::text, 19) || '0000-000000000000')::uuid
                                       AND (left(p_operation::text, 19) || 'ffff-ffffffffffff')::uuid),
                   'uses', read_uses_v3(p_program, p_operation), 'own', v_own,
                   'lots', read_lots_v3(p_program, v_own || v_used),
                   'bought', CASE WHEN o.kind = 'merge' THEN read_bought_v3(p_program, o.other_member_id) END)
          FROM operation o
          LEFT JOIN reversal v ON v.program_id = p_program AND v.reversed_id = p_operation
          LEFT JOIN operation_detail d ON d.program_id = p_program AND d.id = p_operation
         WHERE o.program_id = p_program AND o.id = p_operation);
END $$;
