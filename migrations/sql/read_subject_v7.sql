-- What a request is about beside the member that it names: earlier acts and orders of which goods come back, and whose
-- they are; or a referral, whose friend is asked for, or its advocate as the other one, as who has a referral code is. Few
-- requests are about such things, so the others never call this.
CREATE FUNCTION loyalty.read_subject_v7(p_program integer, p_subject loyalty.subject_v7)
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
    v_referral loyalty.referral;
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
    IF p_subject.referral_id IS NOT NULL THEN
        SELECT * INTO v_referral FROM referral t WHERE t.program_id = p_program AND t.id = p_subject.referral_id;
    END IF;
    v_member := CASE WHEN p_subject.tail IS NOT NULL THEN find_advocate_v7(p_program, p_subject.tail)::text
                     WHEN p_subject.is_other THEN coalesce(v_operation ->> 'other_member_id', v_referral.advocate_id::text)
                     ELSE coalesce(v_redemption ->> 'member_id', v_returned #>> '{0,claimed_by}',
                                   v_returned #>> '{0,member_id}', v_hold ->> 'member_id', v_lot ->> 'member_id',
                                   v_operation ->> 'member_id', v_reservation ->> 'member_id',
                                   v_referral.friend_id::text) END;
    RETURN jsonb_build_object('redemption', v_redemption, 'returned', v_returned, 'number', v_number, 'hold', v_hold,
                              'lot', v_lot, 'operation', v_operation, 'reservation', v_reservation, 'member_id', v_member,
                              'is_absorbed', coalesce(p_subject.is_other AND v_operation ->> 'kind' = 'merge', false));
END $$;
