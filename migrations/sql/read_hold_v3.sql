-- A hold that was made before, ended or not, as gather shows it.
CREATE FUNCTION loyalty.read_hold_v3(p_program integer, p_hold uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
DECLARE
    v_lots uuid[] := ARRAY(SELECT u.lot_id FROM lot_use u WHERE u.program_id = p_program AND u.operation_id = p_hold);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', h.id, 'member_id', stands_for_v3(p_program, h.member_id), 'wallet', h.wallet, 'points', h.points,
                   'expires_at', h.expires_at, 'ended_by', h.ended_by, 'captured', coalesce(h.captured, 0),
                   'uses', read_uses_v3(p_program, p_hold), 'lots', read_lots_v3(p_program, v_lots))
          FROM hold h WHERE h.program_id = p_program AND h.id = p_hold);
END $$;
