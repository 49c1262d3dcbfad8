-- A redemption that was accepted before, as gather shows it: whose it is, which lots paid, and whether it was undone.
CREATE FUNCTION loyalty.read_redemption_v1(p_program integer, p_redemption uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', o.id, 'member_id', o.member_id, 'cancelled_by', v.operation_id,
                   'wallet', (SELECT l.wallet FROM lot_use u JOIN lot l ON l.program_id = p_program AND l.id = u.lot_id
                               WHERE u.program_id = p_program AND u.operation_id = p_redemption LIMIT 1),
                   'uses', (SELECT jsonb_agg(jsonb_build_array(u.lot_id, u.amount)) FROM lot_use u
                             WHERE u.program_id = p_program AND u.operation_id = p_redemption),
                   'emptied', (SELECT jsonb_agg(to_jsonb(l)) FROM lot_use u
                                 JOIN lot l ON l.program_id = p_program AND l.id = u.lot_id AND l.remaining = 0
                                WHERE u.program_id = p_program AND u.operation_id = p_redemption))
          FROM operation o
          LEFT JOIN reversal v ON v.program_id = p_program AND v.reversed_id = p_redemption
         WHERE o.program_id = p_program AND o.id = p_redemption AND o.kind = 'redemption');
END $$;
