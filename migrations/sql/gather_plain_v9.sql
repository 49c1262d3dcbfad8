-- What gather_v8 reads for requests that ask for no more than a member, its points, and what their keys and numbers
-- already did: most looks, orders and redemptions. Half of what those cost was to start the plan of all that others ask for.
-- It tells the same. Each look-up is a subquery by primary key, so that the plan stays a chain of index probes, also one
-- that was made while tables were empty. What few rows have is in one column each, and read by functions.
CREATE FUNCTION loyalty.gather_plain_v9(p_program integer, p_asks loyalty.plain_ask_v9[])
RETURNS TABLE (
    n integer, generation integer, revision integer, earlier loyalty.outcome_v9, numbered loyalty.numbered_v9,
    member_id uuid, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz,
    enrolled_at timestamptz, counters jsonb, due_at timestamptz, stands_for uuid,
    balances loyalty.held_balance_v9[], lots loyalty.lot_v3[], holds jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT a.n,
           (SELECT x.generation FROM api_client x WHERE x.program_id = p_program AND x.id = a.client_id),
           (SELECT x.revision FROM program x WHERE x.id = p_program),
           (SELECT ROW(x.request_hash, x.outcome_id, read_earlier_v1(p_program, x.outcome_id, x.is_refusal))::outcome_v9
              FROM idempotency x
             WHERE x.program_id = p_program AND x.client_id = a.client_id AND x.scope = a.scope AND x.key = a.key),
           CASE WHEN k.request_hash = ''
                THEN ROW(k.request_hash, NULL, read_waiting_v3(p_program, a.natural_key, a.now))::numbered_v9
                WHEN k.request_hash IS NOT NULL
                THEN ROW(k.request_hash, read_order_v6(p_program, k.order_id, false), NULL)::numbered_v9 END,
           m.id, m.version, m.seq, m.status, m.booked_at, m.orders, m.spend, m.first_order_at, m.last_order_at,
           CASE WHEN m.id IS NOT NULL THEN coalesce(m.enrolled_at, read_enrolled_v2(p_program, m.id)) END, m.counters,
           m.due_at,
           CASE WHEN m.merged_into IS NOT NULL THEN stands_for_v3(p_program, m.merged_into) END,
           ARRAY(SELECT ROW(x.wallet, x.available, x.pending, x.held, x.debt, x.expires_at)::held_balance_v9
                   FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id),
           CASE WHEN s.sees_lots THEN ARRAY(
               SELECT ROW(0, x.id, x.member_id, x.wallet, x.amount, x.remaining, x.earned_at, x.available_at,
                          x.expires_at, x.funder, x.cost_micros, x.operation_id, coalesce(x.expired, 0))::lot_v3
                 FROM lot x WHERE x.program_id = p_program AND x.member_id = m.id AND x.remaining > 0) END,
           CASE WHEN s.sees_lots AND (
                    SELECT bool_or(x.held > 0) FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id)
                THEN read_holds_v3(p_program, m.id) END
      FROM unnest(p_asks) a
      LEFT JOIN LATERAL (
          SELECT x.order_id, x.request_hash FROM order_key x
           WHERE x.program_id = p_program AND x.natural_key = a.natural_key LIMIT 1) k ON true
      LEFT JOIN LATERAL (
          SELECT x.member_id FROM member_identity x
           WHERE x.program_id = p_program AND x.identity BETWEEN a.identity AND a.identity
           ORDER BY x.identity LIMIT 1) i ON true
      LEFT JOIN LATERAL (
          SELECT x.* FROM member x
           WHERE x.program_id = p_program
             AND x.id BETWEEN coalesce(a.member_id, i.member_id) AND coalesce(a.member_id, i.member_id)
           ORDER BY x.id LIMIT 1) m ON true
      LEFT JOIN LATERAL (
          SELECT a.wants_lots OR m.due_at <= greatest(a.now, m.booked_at) OR k.request_hash = '' AS sees_lots) s ON true;
END $$;
