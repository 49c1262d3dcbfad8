-- What an idempotency key became, as gather shows it. A function of its own, so that only a repeated request pays for
-- opening the partitions of history.
CREATE FUNCTION loyalty.read_earlier_v1(p_program integer, p_outcome uuid, p_is_refusal boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
BEGIN
    IF p_is_refusal THEN
        RETURN (SELECT jsonb_build_object('answer', r.answer, 'code', r.code) FROM refusal r
                 WHERE r.program_id = p_program AND r.id = p_outcome);
    END IF;
    RETURN (SELECT jsonb_build_object('answer', d.answer) FROM operation_detail d
             WHERE d.program_id = p_program AND d.id = p_outcome);
END $$;
