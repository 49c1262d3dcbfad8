-- Shape S, the hot one: one member, no counter, nothing rare. The version guard first; lost: nothing is written.
CREATE FUNCTION loyalty.record_s_v3(
    p_program integer, p_member loyalty.member_v3, p_outcomes loyalty.outcome_v1[],
    p_operations loyalty.operation_v3[], p_orders loyalty.order_v1[], p_balances loyalty.balance_v3[],
    p_postings loyalty.posting_v1[], p_lots loyalty.lot_v3[], p_lot_changes loyalty.lot_change_v3[],
    p_lot_uses loyalty.lot_use_v1[]
)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    UPDATE member m
       SET version = p_member.version, seq = p_member.seq, status = p_member.status, booked_at = p_member.booked_at,
           orders = p_member.orders, spend = p_member.spend,
           first_order_at = p_member.first_order_at, last_order_at = p_member.last_order_at,
           enrolled_at = p_member.enrolled_at, counters = p_member.counters::jsonb, due_at = p_member.due_at
     WHERE m.program_id = p_program AND m.id = p_member.id AND m.version = p_member.expected_version;
    IF NOT found THEN
        RETURN false;
    END IF;
    INSERT INTO idempotency (program_id, client_id, scope, key, outcome_id, is_refusal, request_hash)
    SELECT p_program, x.client_id, x.scope, x.key, x.outcome_id, x.is_refusal, x.request_hash
      FROM unnest(p_outcomes) x;
    INSERT INTO operation (program_id, id, kind, member_id, order_id, client_id, location, till, effective_at,
                           booked_at, revision, reverses, other_member_id)
    SELECT p_program, x.id, x.kind, x.member_id, x.order_id, x.client_id, x.location, x.till, x.effective_at,
           x.booked_at, x.revision, x.reverses, x.other_member_id
      FROM unnest(p_operations) x;
    INSERT INTO operation_detail (program_id, id, facts, reasons, answer)
    SELECT p_program, x.id, x.facts::json, x.reasons::json, x.answer FROM unnest(p_operations) x;
    IF cardinality(p_orders) > 0 THEN
        INSERT INTO order_key (program_id, natural_key, order_id, request_hash)
        SELECT p_program, x.natural_key, x.id, x.request_hash FROM unnest(p_orders) x;
        INSERT INTO "order" (program_id, id, member_id, placed_at, currency, goods_total, shipping, paid_with_points,
                             channel, location, lines, rest)
        SELECT p_program, x.id, x.member_id, x.placed_at, x.currency, x.goods_total, x.shipping, x.paid_with_points,
               x.channel, x.location, x.lines::jsonb, x.rest::jsonb
          FROM unnest(p_orders) x;
    END IF;
    INSERT INTO balance AS t (program_id, member_id, wallet, available, pending, held, debt, expires_at)
    SELECT p_program, x.member_id, x.wallet, x.available, x.pending, x.held, x.debt, x.expires_at FROM unnest(p_balances) x
        ON CONFLICT (program_id, member_id, wallet) DO UPDATE
       SET available = excluded.available, pending = excluded.pending, held = excluded.held, debt = excluded.debt,
           expires_at = excluded.expires_at;
    INSERT INTO posting (program_id, member_id, seq, id, operation_id, wallet, source, destination, amount, lot_id,
                         available, pending, held, debt)
    SELECT p_program, x.member_id, x.seq, x.id, x.operation_id, x.wallet, x.source, x.destination, x.amount, x.lot_id,
           x.available, x.pending, x.held, x.debt
      FROM unnest(p_postings) x;
    INSERT INTO lot (program_id, id, member_id, wallet, amount, remaining, earned_at, available_at, expires_at, funder,
                     cost_micros, operation_id, expired)
    SELECT p_program, x.id, x.member_id, x.wallet, x.amount, x.remaining, x.earned_at, x.available_at, x.expires_at,
           x.funder, x.cost_micros, x.operation_id, x.expired
      FROM unnest(p_lots) x;
    IF cardinality(p_lot_changes) > 0 THEN
        UPDATE lot t SET remaining = x.remaining, available_at = x.available_at, expires_at = x.expires_at,
                         expired = x.expired
          FROM unnest(p_lot_changes) x
         WHERE t.program_id = p_program AND t.id = x.id;
    END IF;
    IF cardinality(p_lot_uses) > 0 THEN
        INSERT INTO lot_use (program_id, operation_id, lot_id, amount)
        SELECT p_program, x.operation_id, x.lot_id, x.amount FROM unnest(p_lot_uses) x;
    END IF;
    RETURN true;
END $$;
