-- What became of an order, as gather shows it to requests about that order: its latest state, under which revision it
-- earned, what its claim earned, which lots paid for it and which it brought. What paid for one that was reserved was taken
-- from its lots by the reservation.
CREATE FUNCTION loyalty.read_life_v6(
    p_program integer, p_order uuid, p_reservation uuid, p_claim uuid, p_claim_earned jsonb
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_number integer;
    v_state jsonb;
    v_earned_in uuid;
    v_gave uuid[];
    v_took uuid[];
    v_own uuid[];
    v_graces uuid[];
    v_paid jsonb;
BEGIN
    SELECT t.number, t.state INTO v_number, v_state FROM order_change t
     WHERE t.program_id = p_program AND t.order_id = p_order ORDER BY t.number DESC LIMIT 1;
    SELECT (array_agg(o.id ORDER BY t.number DESC) FILTER (WHERE o.kind = 'order_edit'))[1],
           array_agg(o.id) FILTER (WHERE o.kind NOT IN ('return', 'order_cancel')),
           array_agg(o.id) FILTER (WHERE o.kind IN ('return', 'order_cancel'))
      INTO v_earned_in, v_gave, v_took
      FROM order_change t
      JOIN operation o ON o.program_id = p_program AND o.id = t.operation_id
     WHERE t.program_id = p_program AND t.order_id = p_order;
    v_own := read_brought_v3(p_program, array_remove(ARRAY[p_order, p_claim] || v_gave, NULL));
    v_graces := read_brought_v3(p_program, v_took);
    SELECT jsonb_agg(jsonb_build_array(u.lot_id, u.amount) ORDER BY l.earned_at, l.id) INTO v_paid
      FROM lot_use u
      JOIN lot l ON l.program_id = p_program AND l.id = u.lot_id AND l.operation_id <> p_order
     WHERE u.program_id = p_program AND u.operation_id = coalesce(p_reservation, p_order) AND u.amount > 0;
    RETURN jsonb_build_object(
        'number', coalesce(v_number, 0), 'state', v_state, 'claim_earned', p_claim_earned, 'claim', p_claim,
        'revision', (SELECT o.revision FROM operation o
                      WHERE o.program_id = p_program AND o.id = coalesce(v_earned_in, p_claim, p_order)),
        'claim_answer', CASE WHEN p_claim_earned IS NULL THEN (
            SELECT d.answer FROM operation_detail d WHERE d.program_id = p_program AND d.id = p_claim) END,
        'own', v_own, 'graces', v_graces, 'paid', v_paid,
        'lots', read_lots_v3(p_program, v_own || v_graces
                             || ARRAY(SELECT (x ->> 0)::uuid FROM jsonb_array_elements(v_paid) x)));
END $$;
