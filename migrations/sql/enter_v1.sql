-- The first statement of every read: sets the program whose rows this transaction may see and returns the caller's key
-- generation, so that a revoked key stops working with its next request.
CREATE FUNCTION loyalty.enter_v1(p_program integer, p_client integer)
RETURNS integer
LANGUAGE sql SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    SELECT set_config('loyalty.program_id', p_program::text, true);
    SELECT c.generation FROM api_client c WHERE c.program_id = p_program AND c.id = p_client;
$$;
