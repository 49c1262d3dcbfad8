-- An order that was accepted before, as gather shows it: its first answer, who has it by now, and on request its life.
CREATE FUNCTION loyalty.read_order_v6(p_program integer, p_order uuid, p_wants_life boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                   'id', o.id, 'answer', d.answer, 'member_id', stands_for_v3(p_program, o.member_id),
                   'claimed_by', stands_for_v3(p_program, c.member_id), 'parked_for', k.identity,
                   'parked_owner', stands_for_v3(p_program, i.member_id),
                   'body', CASE WHEN p_wants_life THEN to_jsonb(o) END,
                   'life', CASE WHEN p_wants_life THEN read_life_v6(
                       p_program, o.id, (o.rest ->> 'reservation')::uuid, c.operation_id, c.earned) END)
          FROM "order" o
          LEFT JOIN operation_detail d ON d.program_id = p_program AND d.id = p_order
          LEFT JOIN order_claim c ON c.program_id = p_program AND c.order_id = p_order
          LEFT JOIN order_parked k ON k.program_id = p_program AND k.order_id = p_order
          LEFT JOIN member_identity i ON i.program_id = p_program AND i.identity = k.identity
         WHERE o.program_id = p_program AND o.id = p_order);
END $$;
