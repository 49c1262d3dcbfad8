-- What became of memberships, each step; and what members have of plans, which the last of these tells.
CREATE FUNCTION loyalty.record_plans_v7(p_program integer, p_rare loyalty.rare_v1[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    WITH moved AS (
        INSERT INTO plan_move (program_id, member_id, plan, version, operation_id, since, paid_until, ends_at, is_over,
                               cancelled_at, rest)
        SELECT p_program, x.member_id, x.name, t.version, x.operation_id, t.since, t.paid_until, t.ends_at, t.is_over,
               t.cancelled_at, t.rest
          FROM unnest(p_rare) x
         CROSS JOIN LATERAL jsonb_to_record(x.attributes::jsonb) t(
               version bigint, since timestamptz, paid_until timestamptz, ends_at timestamptz, is_over boolean,
               cancelled_at timestamptz, rest jsonb)
         WHERE x.kind = 'plan'
        RETURNING *
    )
    INSERT INTO member_plan (program_id, member_id, plan, since, paid_until, ends_at, is_over, cancelled_at, rest)
    SELECT DISTINCT ON (m.member_id, m.plan)
           p_program, m.member_id, m.plan, m.since, m.paid_until, m.ends_at, m.is_over, m.cancelled_at, m.rest
      FROM moved m ORDER BY m.member_id, m.plan, m.version DESC
        ON CONFLICT (program_id, member_id, plan) DO UPDATE
       SET since = excluded.since, paid_until = excluded.paid_until, ends_at = excluded.ends_at,
           is_over = excluded.is_over, cancelled_at = excluded.cancelled_at, rest = excluded.rest;
END $$;
