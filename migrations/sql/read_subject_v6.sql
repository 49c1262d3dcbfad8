-- What a request is about beside the member that it names: earlier acts and orders of which goods come back, and whose
-- they are. Few requests are about such things, so the others never call this.
CREATE FUNCTION loyalty.read_subject_v6(p_program integer, p_subject loyalty.subject_v6)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
DECLARE
    v_redemption jsonb;
    v_returned jsonb;
    v_number jsonb;
    v_hold jsonb;
    v_lot jsonb;
    v_operation jsonb;
    v_reservation jsonb;
    v_member text;
BEGIN
    IF p_subject.redemption_id IS NOT NULL THEN
        v_redemption := read_redemption_v3(p_program, p_subject.redemption_id);
    END IF;
    IF p_subject.returned_ids IS NOT NULL THEN
        v_returned := read_returned_v6(p_program, p_subject.returned_ids, p_subject.returned_keys);
    END IF;
    IF p_subject.number IS NOT NULL THEN
        v_number := read_number_v3(p_program, p_subject.number);
    END IF;
    IF p_subject.hold_id IS NOT NULL THEN
        v_hold := read_hold_v3(p_program, p_subject.hold_id);
    END IF;
    IF p_subject.lot_id IS NOT NULL THEN
        v_lot := read_lots_v3(p_program, ARRAY[p_subject.lot_id]) -> 0;
    END IF;
    IF p_subject.operation_id IS NOT NULL THEN
        v_operation := read_operation_v3(p_program, p_subject.operation_id);
    END IF;
    IF p_subject.reservation_id IS NOT NULL THEN
        v_reservation := read_reservation_v6(p_program, p_subject.reservation_id);
    END IF;
    v_member := CASE WHEN p_subject.is_other THEN v_operation ->> 'other_member_id'
                     ELSE coalesce(v_redemption ->> 'member_id', v_returned #>> '{0,claimed_by}',
                                   v_returned #>> '{0,member_id}', v_hold ->> 'member_id', v_lot ->> 'member_id',
                                   v_operation ->> 'member_id', v_reservation ->> 'member_id') END;
    RETURN jsonb_build_object('redemption', v_redemption, 'returned', v_returned, 'number', v_number, 'hold', v_hold,
                              'lot', v_lot, 'operation', v_operation, 'reservation', v_reservation, 'member_id', v_member,
                              'is_absorbed', coalesce(p_subject.is_other AND v_operation ->> 'kind' = 'merge', false));
END $$;
