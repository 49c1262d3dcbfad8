-- A redemption that was accepted before, as gather shows it: whose it is, which lots paid, and whether it was undone.
CREATE FUNCTION loyalty.read_redemption_v3(p_program integer, p_redemption uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
DECLARE
    v_lots uuid[] := ARRAY(
        SELECT u.lot_id FROM lot_use u WHERE u.program_id = p_program AND u.operation_id = p_redemption);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', o.id, 'member_id', stands_for_v3(p_program, o.member_id), 'cancelled_by', v.operation_id,
                   'wallet', (SELECT l.wallet FROM lot l
                               WHERE l.program_id = p_program AND l.id = ANY (v_lots) LIMIT 1),
                   'uses', read_uses_v3(p_program, p_redemption), 'lots', read_lots_v3(p_program, v_lots))
          FROM operation o
          LEFT JOIN reversal v ON v.program_id = p_program AND v.reversed_id = p_redemption
         WHERE o.program_id = p_program AND o.id = p_redemption AND o.kind = 'redemption');
END $$;
