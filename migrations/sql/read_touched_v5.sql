-- Lots that what a request is about touched beside those that it brought, also empty ones, because what expired in them
-- can be taken back, and what was taken from them can come back: the lots from which returns of its orders took points;
-- and those that carry on what merged members left behind, each with the lot that it carries on. A merge posts what it
-- moves in one and the same order for both members. A lot that is among both comes last as the one that carries on.
CREATE FUNCTION loyalty.read_touched_v5(p_program integer, p_subject jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_taken uuid[] := ARRAY(
        SELECT (x.id #>> '{}')::uuid
          FROM jsonb_path_query(p_subject, '$.returned[*].life.state.taken.keyvalue().key') x(id));
    v_own uuid[] := ARRAY(
        SELECT (x.id #>> '{}')::uuid FROM jsonb_path_query(p_subject, '$.returned[*].life.own[*]') x(id)
         UNION SELECT (x.id #>> '{}')::uuid FROM jsonb_path_query(p_subject, '$.returned[*].life.graces[*]') x(id)
         UNION SELECT (x.id #>> '{}')::uuid FROM jsonb_path_query(p_subject, '$.operation.own[*]') x(id));
BEGIN
    RETURN (
        WITH RECURSIVE touched(carries_on, id) AS (
            SELECT x.id, x.id FROM unnest(v_own) x(id)
             UNION ALL
            SELECT t.carries_on, came.lot_id
              FROM touched t
              JOIN lot l ON l.program_id = p_program AND l.id = t.id
              JOIN member m ON m.program_id = p_program AND m.id = l.member_id AND m.merged_into IS NOT NULL
             CROSS JOIN LATERAL (
                  SELECT o.id, (left(o.id::text, 19) || '0000-000000000000')::uuid AS low,
                         (left(o.id::text, 19) || 'ffff-ffffffffffff')::uuid AS high
                    FROM operation o
                   WHERE o.program_id = p_program AND o.other_member_id = m.id AND o.kind = 'merge'
                   ORDER BY o.id DESC LIMIT 1) o
             CROSS JOIN LATERAL (
                  SELECT p.lot_id, row_number() OVER (ORDER BY p.seq) AS place FROM posting p
                   WHERE p.program_id = p_program AND p.member_id = m.id AND p.operation_id = o.id
                     AND p.id BETWEEN o.low AND o.high AND p.destination = 'transit' AND p.lot_id IS NOT NULL) went
             CROSS JOIN LATERAL (
                  SELECT p.lot_id, row_number() OVER (ORDER BY p.seq) AS place FROM posting p
                   WHERE p.program_id = p_program AND p.member_id = m.merged_into AND p.operation_id = o.id
                     AND p.id BETWEEN o.low AND o.high AND p.source = 'transit' AND p.lot_id IS NOT NULL) came
             WHERE went.lot_id = t.id AND came.place = went.place)
        SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('carries_on', t.carries_on) ORDER BY t.carries_on NULLS FIRST)
          FROM (SELECT x.carries_on, x.id FROM touched x WHERE x.carries_on <> x.id
                 UNION ALL SELECT NULL, x.id FROM unnest(v_taken) x(id)) t
          JOIN lot l ON l.program_id = p_program AND l.id = t.id);
END $$;
