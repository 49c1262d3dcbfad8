-- Shape B, everything else and every batch: lock, judge, write. Each row carries the number n of the write it belongs
-- to; a write wins if its members are as they were read and all counters it takes from have room under the cap of each take.
-- Reservations take leases, which count until they run out. Who turns one into a use, or a longer lease, needs no room,
-- unless somebody whose clock is ahead has given it away meanwhile: whoever still counts the lease sees the cap exceeded.
-- Returns who won. Members are locked in id order; counters are made where they are missing and then locked, both in key
-- order, so that two batches never wait for each other in a circle.
CREATE FUNCTION loyalty.record_b_v7(
    p_program integer, p_writes integer[], p_members loyalty.member_v3[], p_takes loyalty.take_v6[],
    p_outcomes loyalty.outcome_v1[], p_operations loyalty.operation_v3[], p_orders loyalty.order_v1[],
    p_balances loyalty.balance_v3[], p_postings loyalty.posting_v1[], p_lots loyalty.lot_v3[],
    p_lot_changes loyalty.lot_change_v3[], p_lot_uses loyalty.lot_use_v1[], p_refusals loyalty.refusal_v1[],
    p_rare loyalty.rare_v1[], p_activities loyalty.activity_v2[]
)
RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_fresh integer[];
    v_made text[];
    v_keys text[];
    v_used bigint[];
    v_caps bigint[];
    v_now timestamptz;
    v_leases boolean;
    v_won integer[];
    v_all boolean;
BEGIN
    -- Lock the members, then judge: a write is stale if any of its members is not at the version it was read at.
    WITH held AS MATERIALIZED (
        SELECT x.n, m.version = x.expected_version AS is_fresh
          FROM unnest(p_members) x
          JOIN member m ON m.program_id = p_program AND m.id = x.id
         WHERE x.expected_version > 0
         ORDER BY m.id FOR NO KEY UPDATE OF m
    ), stale AS (
        SELECT g.n
          FROM (SELECT x.n, 1 AS missing FROM unnest(p_members) x WHERE x.expected_version > 0
                 UNION ALL
                SELECT h.n, -1 FROM held h WHERE h.is_fresh) g
         GROUP BY g.n HAVING sum(g.missing) <> 0
    )
    SELECT coalesce(array_agg(w), '{}') INTO v_fresh FROM unnest(p_writes) w WHERE w NOT IN (SELECT s.n FROM stale s);

    v_won := v_fresh;
    IF cardinality(p_takes) > 0 THEN
        WITH made AS (
            INSERT INTO counter (program_id, key, cap)
            SELECT DISTINCT p_program, x.key, 0 FROM unnest(p_takes) x WHERE x.n = ANY (v_fresh) ORDER BY x.key
                ON CONFLICT (program_id, key) DO NOTHING RETURNING key
        )
        SELECT coalesce(array_agg(key), '{}') INTO v_made FROM made;
        -- Lock first: the statements below must see what whoever held the counters until now has written.
        WITH held AS MATERIALIZED (
            SELECT c.key, c.used, c.cap FROM counter c
             WHERE c.program_id = p_program
               AND c.key = ANY (ARRAY(SELECT x.key FROM unnest(p_takes) x WHERE x.n = ANY (v_fresh)))
             ORDER BY c.key FOR NO KEY UPDATE
        )
        SELECT array_agg(h.key), array_agg(h.used), array_agg(h.cap) INTO v_keys, v_used, v_caps FROM held h;
        SELECT min(x.now), bool_or(x.until IS NOT NULL) INTO v_now, v_leases FROM unnest(p_takes) x;
        -- What a write gives back makes room for what it takes itself, and for nobody else; leases that ran out made theirs
        -- long ago. The running sum counts losers too: room may be left, never overdrawn.
        WITH held AS MATERIALIZED (
            SELECT h.key, h.cap, h.used + coalesce((
                       SELECT sum(l.amount) FROM counter_lease l
                        WHERE l.program_id = p_program AND l.counter = h.key AND l.until > v_now), 0) AS taken
              FROM unnest(v_keys, v_used, v_caps) h(key, used, cap)
        ), net AS (
            SELECT x.n, x.key, min(x.place) AS place, min(x.cap) FILTER (WHERE x.amount > 0) AS cap,
                   coalesce(sum(x.amount) FILTER (WHERE x.until IS NULL OR x.until > v_now), 0) AS amount,
                   bool_or(x.amount > 0) AND bool_or(x.amount < 0 AND x.until IS NOT NULL) AS turns_lease
              FROM unnest(p_takes) WITH ORDINALITY x(n, operation_id, key, amount, cap, until, now, place)
             WHERE x.n = ANY (v_fresh) GROUP BY x.n, x.key
        ), wanted AS (
            SELECT t.n, t.key, t.amount, t.cap, t.turns_lease,
                   sum(greatest(t.amount, 0)) OVER (PARTITION BY t.key ORDER BY t.place) AS total
              FROM net t
        )
        SELECT coalesce(array_agg(w), '{}') INTO v_won FROM unnest(v_fresh) w
         WHERE NOT EXISTS (SELECT FROM wanted t JOIN held h ON h.key = t.key
                            WHERE t.n = w AND ((t.amount > 0 AND h.taken + t.total > t.cap)
                                               OR (t.turns_lease AND h.taken > h.cap)));
        IF v_leases THEN
            -- What is given back of leases must be there.
            WITH net AS (
                SELECT x.n, x.key, x.until, min(x.place) AS place, sum(x.amount) AS amount
                  FROM unnest(p_takes) WITH ORDINALITY x(n, operation_id, key, amount, cap, until, now, place)
                 WHERE x.until IS NOT NULL AND x.n = ANY (v_won) GROUP BY x.n, x.key, x.until
            ), given AS (
                SELECT t.n, t.key, t.until, t.amount,
                       sum(greatest(-t.amount, 0)) OVER (PARTITION BY t.key, t.until ORDER BY t.place) AS total
                  FROM net t
            )
            SELECT coalesce(array_agg(w), '{}') INTO v_won FROM unnest(v_won) w
             WHERE NOT EXISTS (
                   SELECT FROM given t
                     LEFT JOIN counter_lease l
                       ON l.program_id = p_program AND l.counter = ANY (v_keys) AND l.counter = t.key AND l.until = t.until
                    WHERE t.n = w AND t.amount < 0 AND t.total > coalesce(l.amount, 0));
            INSERT INTO counter_lease AS t (program_id, counter, until, amount)
            SELECT p_program, x.key, x.until, sum(x.amount) FROM unnest(p_takes) x
             WHERE x.until IS NOT NULL AND x.n = ANY (v_won)
             GROUP BY x.key, x.until HAVING sum(x.amount) > 0 ORDER BY x.key, x.until
                ON CONFLICT (program_id, counter, until) DO UPDATE SET amount = t.amount + excluded.amount;
            UPDATE counter_lease t SET amount = t.amount + s.amount
              FROM (SELECT x.key, x.until, sum(x.amount) AS amount FROM unnest(p_takes) x
                     WHERE x.until IS NOT NULL AND x.n = ANY (v_won)
                     GROUP BY x.key, x.until HAVING sum(x.amount) < 0) s
             WHERE t.program_id = p_program AND t.counter = ANY (v_keys) AND t.counter = s.key AND t.until = s.until;
        END IF;
        -- Their keys are said once more: a plan that was made while the table was empty reads all counters otherwise.
        WITH net AS (
            SELECT x.n, x.key, max(x.place) AS place, sum(x.amount) AS amount,
                   coalesce(sum(x.amount) FILTER (WHERE x.until IS NULL), 0) AS used,
                   min(x.cap) FILTER (WHERE x.amount > 0) AS cap
              FROM unnest(p_takes) WITH ORDINALITY x(n, operation_id, key, amount, cap, until, now, place)
             WHERE x.n = ANY (v_won) GROUP BY x.n, x.key
        )
        UPDATE counter c SET used = c.used + s.used, cap = coalesce(s.cap, c.cap)
          FROM (SELECT t.key, sum(t.used)::bigint AS used,
                       (array_agg(t.cap ORDER BY t.place DESC) FILTER (WHERE t.amount > 0))[1] AS cap
                  FROM net t GROUP BY t.key) s
         WHERE c.program_id = p_program AND c.key = ANY (v_keys) AND c.key = s.key;
        IF cardinality(v_made) > 0 THEN
            DELETE FROM counter c
             WHERE c.program_id = p_program AND c.key = ANY (v_made)
               AND c.key <> ALL (ARRAY(SELECT x.key FROM unnest(p_takes) x WHERE x.n = ANY (v_won)));
        END IF;
        INSERT INTO counter_use (program_id, operation_id, counter, amount)
        SELECT p_program, x.operation_id, x.key, sum(x.amount)
          FROM unnest(p_takes) x WHERE x.until IS NULL AND x.n = ANY (v_won) GROUP BY x.operation_id, x.key;
    END IF;
    IF cardinality(v_won) = 0 THEN
        RETURN v_won;
    END IF;
    v_all := cardinality(v_won) = cardinality(p_writes);

    INSERT INTO member (program_id, id, version, seq, status, booked_at, orders, spend, first_order_at, last_order_at,
                        enrolled_at, counters, due_at)
    SELECT p_program, x.id, x.version, x.seq, x.status, x.booked_at, x.orders, x.spend, x.first_order_at,
           x.last_order_at, x.enrolled_at, x.counters::jsonb, x.due_at
      FROM unnest(p_members) x WHERE (v_all OR x.n = ANY (v_won)) AND x.expected_version = 0;
    UPDATE member m
       SET version = x.version, seq = x.seq, status = x.status, booked_at = x.booked_at, orders = x.orders,
           spend = x.spend, first_order_at = x.first_order_at, last_order_at = x.last_order_at,
           enrolled_at = x.enrolled_at, counters = x.counters::jsonb, due_at = x.due_at
      FROM unnest(p_members) x
     WHERE m.program_id = p_program AND m.id = x.id AND (v_all OR x.n = ANY (v_won)) AND x.expected_version > 0;
    INSERT INTO idempotency (program_id, client_id, scope, key, outcome_id, is_refusal, request_hash)
    SELECT p_program, x.client_id, x.scope, x.key, x.outcome_id, x.is_refusal, x.request_hash
      FROM unnest(p_outcomes) x WHERE (v_all OR x.n = ANY (v_won)) ORDER BY x.client_id, x.scope, x.key;
    INSERT INTO operation (program_id, id, kind, member_id, order_id, client_id, location, till, effective_at,
                           booked_at, revision, reverses, other_member_id)
    SELECT p_program, x.id, x.kind, x.member_id, x.order_id, x.client_id, x.location, x.till, x.effective_at,
           x.booked_at, x.revision, x.reverses, x.other_member_id
      FROM unnest(p_operations) x WHERE (v_all OR x.n = ANY (v_won));
    INSERT INTO operation_detail (program_id, id, facts, reasons, answer)
    SELECT p_program, x.id, x.facts::json, x.reasons::json, x.answer
      FROM unnest(p_operations) x WHERE (v_all OR x.n = ANY (v_won));
    IF cardinality(p_rare) > 0 THEN
        PERFORM record_rare_v7(p_program, ARRAY(SELECT x FROM unnest(p_rare) x WHERE (v_all OR x.n = ANY (v_won))));
    END IF;
    IF cardinality(p_orders) > 0 THEN
        INSERT INTO order_key (program_id, natural_key, order_id, request_hash)
        SELECT p_program, x.natural_key, x.id, x.request_hash
          FROM unnest(p_orders) x WHERE (v_all OR x.n = ANY (v_won)) ORDER BY x.natural_key;
        INSERT INTO "order" (program_id, id, member_id, placed_at, currency, goods_total, shipping, paid_with_points,
                             channel, location, lines, rest)
        SELECT p_program, x.id, x.member_id, x.placed_at, x.currency, x.goods_total, x.shipping, x.paid_with_points,
               x.channel, x.location, x.lines::jsonb, x.rest::jsonb
          FROM unnest(p_orders) x WHERE (v_all OR x.n = ANY (v_won));
    END IF;
    IF cardinality(p_activities) > 0 THEN
        INSERT INTO activity_mark (program_id, member_id, kind, mark, operation_id)
        SELECT p_program, x.member_id, x.kind, x.mark, x.id
          FROM unnest(p_activities) x WHERE (v_all OR x.n = ANY (v_won)) AND x.mark IS NOT NULL
         ORDER BY x.member_id, x.kind, x.mark;
        INSERT INTO activity (program_id, id, member_id, kind, subject, occurred_at, attributes)
        SELECT p_program, x.id, x.member_id, x.kind, x.subject, x.occurred_at, x.attributes::jsonb
          FROM unnest(p_activities) x WHERE (v_all OR x.n = ANY (v_won));
    END IF;
    INSERT INTO balance AS t (program_id, member_id, wallet, available, pending, held, debt, expires_at)
    SELECT p_program, x.member_id, x.wallet, x.available, x.pending, x.held, x.debt, x.expires_at
      FROM unnest(p_balances) x WHERE (v_all OR x.n = ANY (v_won))
        ON CONFLICT (program_id, member_id, wallet) DO UPDATE
       SET available = excluded.available, pending = excluded.pending, held = excluded.held, debt = excluded.debt,
           expires_at = excluded.expires_at;
    INSERT INTO posting (program_id, member_id, seq, id, operation_id, wallet, source, destination, amount, lot_id,
                         available, pending, held, debt)
    SELECT p_program, x.member_id, x.seq, x.id, x.operation_id, x.wallet, x.source, x.destination, x.amount, x.lot_id,
           x.available, x.pending, x.held, x.debt
      FROM unnest(p_postings) x WHERE (v_all OR x.n = ANY (v_won));
    INSERT INTO lot (program_id, id, member_id, wallet, amount, remaining, earned_at, available_at, expires_at, funder,
                     cost_micros, operation_id, expired)
    SELECT p_program, x.id, x.member_id, x.wallet, x.amount, x.remaining, x.earned_at, x.available_at, x.expires_at,
           x.funder, x.cost_micros, x.operation_id, x.expired
      FROM unnest(p_lots) x WHERE (v_all OR x.n = ANY (v_won));
    IF cardinality(p_lot_changes) > 0 THEN
        UPDATE lot t SET remaining = x.remaining, available_at = x.available_at, expires_at = x.expires_at,
                         expired = x.expired
          FROM unnest(p_lot_changes) x
         WHERE t.program_id = p_program AND t.id = x.id AND (v_all OR x.n = ANY (v_won));
    END IF;
    IF cardinality(p_lot_uses) > 0 THEN
        INSERT INTO lot_use (program_id, operation_id, lot_id, amount)
        SELECT p_program, x.operation_id, x.lot_id, x.amount FROM unnest(p_lot_uses) x WHERE (v_all OR x.n = ANY (v_won));
    END IF;
    IF cardinality(p_refusals) > 0 THEN
        INSERT INTO refusal (program_id, id, code, member_id, client_id, booked_at, answer)
        SELECT p_program, x.id, x.code, x.member_id, x.client_id, x.booked_at, x.answer
          FROM unnest(p_refusals) x WHERE (v_all OR x.n = ANY (v_won));
    END IF;
    RETURN v_won;
END $$;
