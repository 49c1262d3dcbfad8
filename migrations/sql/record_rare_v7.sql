-- The rows that few operations bring. Called by shape B, before orders take their numbers, with what its winners bring;
-- what has no column of its own is in the attributes as JSON.
-- A number without a hash is that of an order which returns wait for: only its order may take it over, and only when none
-- of them has to wait any longer. So neither misses the other, however close they come; whoever does is told that the
-- number is taken, writes nothing and looks again.
CREATE FUNCTION loyalty.record_rare_v7(p_program integer, p_rare loyalty.rare_v1[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_kinds text[] := ARRAY(SELECT DISTINCT x.kind FROM unnest(p_rare) x);
    v_taken text[];
    v_wanted integer;
    v_got integer;
BEGIN
    IF v_kinds && '{identity_removed,identity_added,profile,note,parked}' THEN
        DELETE FROM member_identity t USING unnest(p_rare) x
         WHERE x.kind = 'identity_removed' AND t.program_id = p_program AND t.identity = x.name
           AND t.member_id = x.member_id;
        INSERT INTO member_identity (program_id, identity, member_id)
        SELECT p_program, x.name, x.member_id FROM unnest(p_rare) x WHERE x.kind = 'identity_added' ORDER BY x.name;
        INSERT INTO member_profile (program_id, member_id, name, birthday, attributes)
        SELECT p_program, x.member_id, x.name, x.day, x.attributes::jsonb FROM unnest(p_rare) x WHERE x.kind = 'profile'
            ON CONFLICT (program_id, member_id) DO UPDATE
           SET name = excluded.name, birthday = excluded.birthday, attributes = excluded.attributes;
        INSERT INTO member_note (program_id, member_id, operation_id, note)
        SELECT p_program, x.member_id, x.operation_id, x.name FROM unnest(p_rare) x WHERE x.kind = 'note';
        INSERT INTO order_parked (program_id, order_id, identity)
        SELECT p_program, x.subject_id, x.name FROM unnest(p_rare) x WHERE x.kind = 'parked';
    END IF;
    -- A guest's order has no member whose version would tell that somebody else was faster: who claims it and who takes
    -- goods of it back meet at its own row, and the second looks again.
    IF v_kinds && '{claim,order_change}' THEN
        PERFORM FROM "order" b
          WHERE b.program_id = p_program
            AND b.id = ANY (ARRAY(SELECT x.subject_id FROM unnest(p_rare) x
                                   WHERE x.kind = 'claim' OR (x.kind = 'order_change' AND x.member_id IS NULL)))
          ORDER BY b.id FOR NO KEY UPDATE;
        IF EXISTS (
            SELECT FROM unnest(p_rare) x
              JOIN order_claim q ON q.program_id = p_program AND q.order_id = x.subject_id
             WHERE x.kind = 'order_change' AND x.member_id IS NULL
             UNION ALL
            SELECT FROM unnest(p_rare) x
              JOIN order_change t ON t.program_id = p_program AND t.order_id = x.subject_id
             WHERE x.kind = 'claim'
               AND NOT EXISTS (SELECT FROM unnest(p_rare) y
                                WHERE y.kind = 'order_change' AND y.operation_id = x.operation_id)) THEN
            RAISE unique_violation USING MESSAGE = 'the order has changed', TABLE = 'order_change';
        END IF;
    END IF;
    IF v_kinds && '{claim,reversal,merged}' THEN
        INSERT INTO order_claim (program_id, order_id, member_id, operation_id, earned)
        SELECT p_program, x.subject_id, x.member_id, x.operation_id, x.attributes::jsonb
          FROM unnest(p_rare) x WHERE x.kind = 'claim';
        INSERT INTO reversal (program_id, reversed_id, operation_id)
        SELECT p_program, x.subject_id, x.operation_id FROM unnest(p_rare) x WHERE x.kind = 'reversal';
        UPDATE member t SET merged_into = x.subject_id FROM unnest(p_rare) x
         WHERE x.kind = 'merged' AND t.program_id = p_program AND t.id = x.member_id;
    END IF;
    IF v_kinds && '{hold,hold_end}' THEN
        INSERT INTO hold (program_id, id, member_id, wallet, points, expires_at)
        SELECT p_program, x.subject_id, x.member_id, x.name, (a.v ->> 'points')::bigint, (a.v ->> 'expires_at')::timestamptz
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a WHERE x.kind = 'hold';
        UPDATE hold t SET ended_by = x.operation_id, captured = x.name::bigint FROM unnest(p_rare) x
         WHERE x.kind = 'hold_end' AND t.program_id = p_program AND t.id = x.subject_id AND t.ended_by IS NULL;
    END IF;
    IF v_kinds && '{order_change}' THEN
        INSERT INTO order_change (program_id, order_id, number, operation_id, spend, is_gone, lines, state)
        SELECT p_program, x.subject_id, (a.v ->> 'number')::integer, x.operation_id, (a.v ->> 'spend')::bigint,
               (a.v ->> 'is_gone')::boolean, a.v -> 'lines', a.v -> 'state'
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a WHERE x.kind = 'order_change'
         ORDER BY x.subject_id, 3;
    END IF;
    IF v_kinds && '{matched,dropped,awaited}' THEN
        UPDATE return_waiting t SET applied_by = x.operation_id FROM unnest(p_rare) x
         WHERE x.kind = 'matched' AND t.program_id = p_program AND t.natural_key = x.name
           AND t.operation_id = x.subject_id AND t.applied_by IS NULL;
        UPDATE return_waiting t SET waits_until = least(t.waits_until, x.attributes::timestamptz) FROM unnest(p_rare) x
         WHERE x.kind = 'dropped' AND t.program_id = p_program AND t.natural_key = x.name
           AND t.operation_id = x.subject_id AND t.applied_by IS NULL;
        -- Lock first: the next statement must see the returns of whoever held the number until now.
        PERFORM FROM order_key k
          WHERE k.program_id = p_program AND k.request_hash = ''
            AND k.natural_key = ANY (ARRAY(SELECT x.name FROM unnest(p_rare) x WHERE x.kind = 'awaited'))
          ORDER BY k.natural_key FOR UPDATE;
        DELETE FROM order_key k USING unnest(p_rare) x
         WHERE x.kind = 'awaited' AND k.program_id = p_program AND k.natural_key = x.name AND k.request_hash = ''
           AND NOT EXISTS (SELECT FROM return_waiting t
                            WHERE t.program_id = p_program AND t.natural_key = x.name AND t.applied_by IS NULL
                              AND t.waits_until > x.attributes::timestamptz);
    END IF;
    IF v_kinds && '{number,waiting}' THEN
        INSERT INTO order_key (program_id, natural_key, order_id, request_hash)
        SELECT p_program, x.name, x.operation_id, decode(x.attributes, 'hex')
          FROM unnest(p_rare) x WHERE x.kind = 'number' ORDER BY x.name;
        WITH reserved AS (
            INSERT INTO order_key AS t (program_id, natural_key, order_id, request_hash)
            SELECT DISTINCT ON (x.name) p_program, x.name, x.operation_id, ''::bytea
              FROM unnest(p_rare) x WHERE x.kind = 'waiting' ORDER BY x.name
                ON CONFLICT (program_id, natural_key) DO UPDATE SET order_id = excluded.order_id
             WHERE t.request_hash = ''
            RETURNING 1
        )
        SELECT count(*) INTO v_got FROM reserved;
        SELECT count(DISTINCT x.name) INTO v_wanted FROM unnest(p_rare) x WHERE x.kind = 'waiting';
        IF v_got < v_wanted THEN
            RAISE unique_violation USING MESSAGE = 'the order has come', TABLE = 'order_key';
        END IF;
        INSERT INTO return_waiting (program_id, operation_id, natural_key, goods, returned_at, waits_until)
        SELECT p_program, x.operation_id, x.name, a.v -> 'goods', (a.v ->> 'returned_at')::timestamptz,
               (a.v ->> 'waits_until')::timestamptz
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a WHERE x.kind = 'waiting';
    END IF;
    -- A reservation ends once: whoever is second is told that it has ended, writes nothing and looks again.
    IF v_kinds && '{reservation,reservation_end}' THEN
        INSERT INTO reservation (program_id, id, member_id, until, body)
        SELECT p_program, x.subject_id, x.member_id, (a.v ->> 'until')::timestamptz, a.v -> 'body'
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a WHERE x.kind = 'reservation';
        INSERT INTO reservation_end (program_id, reservation_id, operation_id, how)
        SELECT p_program, x.subject_id, x.operation_id, x.name FROM unnest(p_rare) x WHERE x.kind = 'reservation_end'
         ORDER BY x.subject_id;
    END IF;
    -- A code of a pool that was brought along is given out once, in the same way.
    IF v_kinds && '{code,code_taken}' THEN
        v_taken := ARRAY(SELECT x.name FROM unnest(p_rare) x WHERE x.kind = 'code_taken');
        INSERT INTO promo_code (program_id, code, pool, shown, member_id, operation_id, issued_at, starts_at, ends_at)
        SELECT p_program, x.name, a.v ->> 'pool', a.v ->> 'shown', x.subject_id, x.operation_id,
               (a.v ->> 'issued_at')::timestamptz, (a.v ->> 'starts_at')::timestamptz, (a.v ->> 'ends_at')::timestamptz
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a WHERE x.kind = 'code'
         ORDER BY x.name;
        PERFORM FROM promo_code t
          WHERE t.program_id = p_program AND t.code = ANY (v_taken) ORDER BY t.code FOR NO KEY UPDATE;
        -- Their keys are said once more: a plan that was made while the table was empty reads all codes otherwise.
        UPDATE promo_code t
           SET member_id = x.subject_id, operation_id = x.operation_id, turn = NULL,
               issued_at = (a.v ->> 'issued_at')::timestamptz, starts_at = (a.v ->> 'starts_at')::timestamptz,
               ends_at = (a.v ->> 'ends_at')::timestamptz
          FROM unnest(p_rare) x CROSS JOIN LATERAL (SELECT x.attributes::jsonb AS v) a
         WHERE x.kind = 'code_taken' AND t.program_id = p_program AND t.code = ANY (v_taken) AND t.code = x.name
           AND t.pool = a.v ->> 'pool' AND t.turn IS NOT NULL AND t.is_active;
        GET DIAGNOSTICS v_got = ROW_COUNT;
        IF v_got < cardinality(v_taken) THEN
            RAISE unique_violation USING MESSAGE = 'the code was given out', TABLE = 'promo_code';
        END IF;
    END IF;
    -- Where members went, each step; and where they are, which the last of these tells.
    IF v_kinds && '{tier}' THEN
        WITH moved AS (
            INSERT INTO tier_move (program_id, member_id, tier_set, version, operation_id, tier, since, until, ends_at,
                                   how, below, before, reached_at)
            SELECT p_program, x.member_id, x.name, t.version, x.operation_id, t.tier, t.since, t.until, t.ends_at, t.how,
                   t.below, t.before, t.reached_at
              FROM unnest(p_rare) x
             CROSS JOIN LATERAL jsonb_to_record(x.attributes::jsonb) t(
                   version bigint, tier text, since timestamptz, until timestamptz, ends_at timestamptz, how text,
                   below text[], before jsonb, reached_at timestamptz)
             WHERE x.kind = 'tier'
            RETURNING *
        )
        INSERT INTO member_tier (program_id, member_id, tier_set, tier, since, until, ends_at, how, below, before,
                                 reached_at)
        SELECT DISTINCT ON (m.member_id, m.tier_set)
               p_program, m.member_id, m.tier_set, m.tier, m.since, m.until, m.ends_at, m.how, m.below, m.before,
               m.reached_at
          FROM moved m ORDER BY m.member_id, m.tier_set, m.version DESC
            ON CONFLICT (program_id, member_id, tier_set) DO UPDATE
           SET tier = excluded.tier, since = excluded.since, until = excluded.until, ends_at = excluded.ends_at,
               how = excluded.how, below = excluded.below, before = excluded.before, reached_at = excluded.reached_at;
    END IF;
    IF v_kinds && '{plan}' THEN
        PERFORM record_plans_v7(p_program, p_rare);
    END IF;
    IF v_kinds && '{referral,fingerprint,code_withdrawn}' THEN
        PERFORM record_referrals_v7(p_program, p_rare);
    END IF;
END $$;
