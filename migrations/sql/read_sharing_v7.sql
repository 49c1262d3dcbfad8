-- With whom a friend shares what it was seen with, or is seen with now, by kind: the advocate, if that is among them, and of
-- others a few, because one is as good as many, and thousands may live at one address.
CREATE FUNCTION loyalty.read_sharing_v7(
    p_program integer, p_family uuid[], p_advocate uuid, p_kinds text[], p_digests text[]
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
    v_advocates uuid[] := read_family_v3(p_program, p_advocate);
BEGIN
    RETURN (
        WITH own AS (
            SELECT f.kind, f.digest FROM member_fingerprint f
             WHERE f.program_id = p_program AND f.member_id = ANY (p_family)
             UNION
            SELECT x.kind, x.digest FROM unnest(p_kinds, p_digests) x(kind, digest)
        ), sharing AS (
            SELECT o.kind, stands_for_v3(p_program, s.member_id) AS member_id
              FROM own o
             CROSS JOIN LATERAL (
                  (SELECT f.member_id FROM member_fingerprint f
                    WHERE f.program_id = p_program AND f.kind = o.kind AND f.digest = o.digest
                      AND f.member_id = ANY (v_advocates))
                   UNION ALL
                  (SELECT f.member_id FROM member_fingerprint f
                    WHERE f.program_id = p_program AND f.kind = o.kind AND f.digest = o.digest
                      AND f.member_id <> ALL (p_family || v_advocates) LIMIT 3)) s)
        SELECT jsonb_object_agg(g.kind, g.members)
          FROM (SELECT s.kind, jsonb_agg(DISTINCT s.member_id) AS members FROM sharing s GROUP BY s.kind) g);
END $$;
