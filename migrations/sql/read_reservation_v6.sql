-- A reservation that was made before, ended or not, as gather shows it: for whom it is by now, what ended it and how, and
-- the points that it set aside, if any, with the kind of the operation that ended that.
CREATE FUNCTION loyalty.read_reservation_v6(p_program integer, p_reservation uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_hold jsonb := read_hold_v3(p_program, p_reservation);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', r.id, 'own_member_id', r.member_id, 'until', r.until, 'body', r.body,
                   'member_id', CASE WHEN r.member_id IS NOT NULL THEN stands_for_v3(p_program, r.member_id) END,
                   'ended_by', e.operation_id, 'how', e.how, 'hold', v_hold,
                   'hold_ending', (SELECT o.kind FROM operation o
                                    WHERE o.program_id = p_program AND o.id = (v_hold ->> 'ended_by')::uuid))
          FROM reservation r
          LEFT JOIN reservation_end e ON e.program_id = p_program AND e.reservation_id = r.id
         WHERE r.program_id = p_program AND r.id = p_reservation);
END $$;
