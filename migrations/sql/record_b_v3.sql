-- Shape B, everything else and every batch: lock, judge, write. Each row carries the number n of the write it belongs
-- to; a write wins if its members are as they were read and all counters it takes from have room under the cap of each take.
-- Returns who won. Members are locked in id order; counters are made where they are missing and then locked, both in key
-- order, so that two batches never wait for each other in a circle.
CREATE FUNCTION loyalty.record_b_v3(
    p_program integer, p_writes integer[], p_members loyalty.member_v3[], p_takes loyalty.take_v2[],
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
        -- The running sum counts losers too, and nothing that is given back: room may be left, never overdrawn.
        WITH held AS MATERIALIZED (
            SELECT c.key, c.used FROM counter c
             WHERE c.program_id = p_program
               AND c.key = ANY (ARRAY(SELECT x.key FROM unnest(p_takes) x WHERE x.n = ANY (v_fresh)))
             ORDER BY c.key FOR NO KEY UPDATE
        ), taken AS (
            SELECT x.n, x.key, x.amount, x.cap,
                   sum(greatest(x.amount, 0)) OVER (PARTITION BY x.key ORDER BY x.place) AS total
              FROM unnest(p_takes) WITH ORDINALITY x(n, operation_id, key, amount, cap, place)
             WHERE x.n = ANY (v_fresh)
        )
        SELECT coalesce(array_agg(w), '{}') INTO v_won FROM unnest(v_fresh) w
         WHERE NOT EXISTS (SELECT FROM taken t JOIN held h ON h.key = t.key
                            WHERE t.n = w AND t.amount > 0 AND h.used + t.total > t.cap);
        UPDATE counter c SET used = c.used + s.amount, cap = coalesce(s.cap, c.cap)
          FROM (SELECT x.key, sum(x.amount)::bigint AS amount,
                       (array_agg(x.cap ORDER BY x.place DESC) FILTER (WHERE x.amount > 0))[1] AS cap
                  FROM unnest(p_takes) WITH ORDINALITY x(n, operation_id, key, amount, cap, place)
                 WHERE x.n = ANY (v_won) GROUP BY x.key) s
         WHERE c.program_id = p_program AND c.key = s.key;
        DELETE FROM counter c
         WHERE c.program_id = p_program AND c.key = ANY (v_made)
           AND c.key <> ALL (ARRAY(SELECT x.key FROM unnest(p_takes) x WHERE x.n = ANY (v_won)));
        INSERT INTO counter_use (program_id, operation_id, counter, amount)
        SELECT p_program, x.operation_id, x.key, sum(x.amount)
          FROM unnest(p_takes) x WHERE x.n = ANY (v_won) GROUP BY x.operation_id, x.key;
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
        PERFORM record_rare_v3(p_program, ARRAY(SELECT x FROM unnest(p_rare) x WHERE (v_all OR x.n = ANY (v_won))));
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
