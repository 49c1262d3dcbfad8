-- The programs in which something became due by now, each by its own clock.
CREATE FUNCTION loyalty.programs_due_v4(p_now timestamptz)
RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    SELECT p.id
      FROM program p
     WHERE EXISTS (SELECT FROM member m WHERE m.program_id = p.id AND m.due_at <= p_now + p.ahead);
$$;
