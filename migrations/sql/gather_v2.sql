-- Everything that the decisions on some requests of one program need, one row a request, in one round trip and from one
-- snapshot. Each look-up is LATERAL over a primary key, so that the plan stays a chain of index probes at any table
-- size; what few requests need is read by functions that the others never call.
CREATE FUNCTION loyalty.gather_v2(p_program integer, p_asks loyalty.ask_v2[])
RETURNS TABLE (
    n integer, generation integer, revision integer,
    earlier_hash bytea, earlier_id uuid, earlier jsonb,
    order_hash bytea, known_order jsonb, redemption jsonb, owners jsonb,
    member_id uuid, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz,
    enrolled_at timestamptz, counters jsonb, balances jsonb, lots jsonb, profile jsonb, history jsonb,
    shared jsonb, marked_by uuid
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
    SELECT a.n, c.generation, p.revision,
           e.request_hash, e.outcome_id,
           CASE WHEN e.outcome_id IS NOT NULL THEN read_earlier_v1(p_program, e.outcome_id, e.is_refusal) END,
           k.request_hash,
           CASE WHEN coalesce(a.order_id, k.order_id) IS NOT NULL
                THEN read_order_v1(p_program, coalesce(a.order_id, k.order_id), a.order_id IS NOT NULL) END,
           r.redemption,
           CASE WHEN a.identities IS NOT NULL THEN (
               SELECT jsonb_object_agg(x.identity, x.member_id) FROM member_identity x
                WHERE x.program_id = p_program AND x.identity = ANY (a.identities)) END,
           m.id, m.version, m.seq, m.status, m.booked_at, m.orders, m.spend, m.first_order_at, m.last_order_at,
           CASE WHEN m.id IS NOT NULL THEN coalesce(m.enrolled_at, read_enrolled_v2(p_program, m.id)) END, m.counters,
           (SELECT jsonb_agg(jsonb_build_array(x.wallet, x.available, x.pending, x.held, x.debt))
              FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id),
           CASE WHEN a.wants_lots THEN (
               SELECT jsonb_agg(to_jsonb(x)) FROM lot x
                WHERE x.program_id = p_program AND x.member_id = m.id AND x.remaining > 0) END,
           CASE WHEN a.wants_profile THEN (
               SELECT to_jsonb(x) FROM member_profile x
                WHERE x.program_id = p_program AND x.member_id = m.id) END,
           CASE WHEN a.wants_history AND m.id IS NOT NULL
                THEN read_history_v2(p_program, m.id, a.history_since, a.history_until, a.wants_history_lines) END,
           CASE WHEN a.counters IS NOT NULL THEN read_counters_v2(p_program, a.counters) END,
           CASE WHEN a.activity_mark IS NOT NULL
                THEN read_mark_v2(p_program, m.id, a.activity_kind, a.activity_mark) END
      FROM unnest(p_asks) a
      LEFT JOIN LATERAL (
          SELECT x.revision FROM program x WHERE x.id = p_program LIMIT 1) p ON true
      LEFT JOIN LATERAL (
          SELECT x.generation FROM api_client x WHERE x.program_id = p_program AND x.id = a.client_id LIMIT 1) c ON true
      LEFT JOIN LATERAL (
          SELECT x.request_hash, x.outcome_id, x.is_refusal FROM idempotency x
           WHERE x.program_id = p_program AND x.client_id = a.client_id AND x.scope = a.scope AND x.key = a.key
           LIMIT 1) e ON true
      LEFT JOIN LATERAL (
          SELECT x.order_id, x.request_hash FROM order_key x
           WHERE x.program_id = p_program AND x.natural_key = a.natural_key LIMIT 1) k ON true
      LEFT JOIN LATERAL (
          SELECT CASE WHEN a.redemption_id IS NOT NULL
                      THEN read_redemption_v1(p_program, a.redemption_id) END AS redemption) r ON true
      LEFT JOIN LATERAL (
          SELECT x.member_id FROM member_identity x
           WHERE x.program_id = p_program AND x.identity = a.identity LIMIT 1) i ON true
      LEFT JOIN LATERAL (
          SELECT x.* FROM member x
           WHERE x.program_id = p_program
             AND x.id = coalesce(a.member_id, i.member_id, (r.redemption ->> 'member_id')::uuid)
           LIMIT 1) m ON true;
END $$;
