-- The programs in which a referral is to be rewarded by now, each by its own clock.
CREATE FUNCTION loyalty.programs_with_due_referrals_v7(p_now timestamptz)
RETURNS SETOF integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    SELECT p.id
      FROM program p
     WHERE EXISTS (SELECT FROM referral r WHERE r.program_id = p.id AND r.due_at <= p_now + p.ahead);
$$;
