-- Gives the worker the job that has waited longest, of any program: one that is due, or one whose worker has not been
-- heard of since its lease ran out. Workers that ask at once get different ones.
CREATE FUNCTION loyalty.claim_job_v4(p_worker uuid, p_now timestamptz, p_lease interval)
RETURNS SETOF loyalty.job
LANGUAGE sql SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
    UPDATE job j
       SET status = 'running', worker = p_worker, leased_until = p_now + p_lease, attempts = j.attempts + 1,
           started_at = coalesce(j.started_at, p_now)
      FROM (SELECT w.program_id, w.id
              FROM job w
             WHERE w.status IN ('waiting', 'running') AND w.run_after <= p_now
               AND (w.status = 'waiting' OR w.leased_until < p_now)
             ORDER BY w.run_after
             LIMIT 1
               FOR UPDATE SKIP LOCKED) free
     WHERE (j.program_id, j.id) = (free.program_id, free.id)
    RETURNING j.*;
$$;
