-- Referrals as operations leave them, what members were seen with, and codes that were taken back. A referral is guarded by
-- the version of its friend; who is a friend already loses here, writes nothing and looks again.
CREATE FUNCTION loyalty.record_referrals_v7(p_program integer, p_rare loyalty.rare_v1[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_withdrawn text[] := ARRAY(SELECT x.name FROM unnest(p_rare) x WHERE x.kind = 'code_withdrawn' ORDER BY x.name);
BEGIN
    INSERT INTO referral (program_id, id, programme, friend_id, advocate_id, registered_at, ends_at, state, reasons,
                          verdict, proofs, counts_for, given, counters, due_at, changed_at)
    SELECT p_program, x.subject_id, x.name, (a.v ->> 'friend_id')::uuid, (a.v ->> 'advocate_id')::uuid,
           (a.v ->> 'registered_at')::timestamptz, (a.v ->> 'ends_at')::timestamptz, a.v ->> 'state', a.v -> 'reasons',
           a.v ->> 'verdict', a.v -> 'proofs', (a.v ->> 'counts_for')::uuid, a.v -> 'given',
           ARRAY(SELECT jsonb_array_elements_text(a.v -> 'counters')), (a.v ->> 'due_at')::timestamptz,
           (a.v ->> 'changed_at')::timestamptz
      FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a
     WHERE x.kind = 'referral' ORDER BY x.subject_id
        ON CONFLICT (program_id, id) DO UPDATE
       SET ends_at = excluded.ends_at, state = excluded.state, reasons = excluded.reasons, verdict = excluded.verdict,
           proofs = excluded.proofs, counts_for = excluded.counts_for, given = excluded.given,
           counters = excluded.counters, due_at = excluded.due_at, changed_at = excluded.changed_at;
    INSERT INTO member_fingerprint (program_id, kind, digest, member_id, operation_id, seen_at)
    SELECT p_program, a.v ->> 'kind', x.name, x.member_id, x.operation_id, (a.v ->> 'seen_at')::timestamptz
      FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a
     WHERE x.kind = 'fingerprint' ORDER BY 2, x.name, x.member_id
        ON CONFLICT DO NOTHING;
    IF cardinality(v_withdrawn) > 0 THEN
        PERFORM FROM promo_code t
          WHERE t.program_id = p_program AND t.code = ANY (v_withdrawn) ORDER BY t.code FOR NO KEY UPDATE;
        UPDATE promo_code t SET is_active = false WHERE t.program_id = p_program AND t.code = ANY (v_withdrawn);
    END IF;
END $$;
