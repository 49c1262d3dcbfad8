-- What has this number of its own already: an order, or a return.
CREATE FUNCTION loyalty.read_number_v3(p_program integer, p_number text)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('id', k.order_id, 'hash', encode(k.request_hash, 'hex'), 'answer', d.answer)
              FROM order_key k
              LEFT JOIN operation_detail d ON d.program_id = p_program AND d.id = k.order_id
             WHERE k.program_id = p_program AND k.natural_key = p_number AND k.request_hash <> '');
END $$;
