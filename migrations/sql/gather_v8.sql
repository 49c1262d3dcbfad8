-- Everything that the decisions on some requests of one program need, one row a request, in one round trip and from one
-- snapshot. Each look-up is LATERAL over a primary key, so that the plan stays a chain of index probes at any table
-- size; what few requests need is read by functions that the others never call.
-- Of a member that was merged into another the row tells who stands for it, and is to be asked again about that one; only
-- who undoes the merge sees it. Lots are read where the request wants them, where something became due with the member,
-- and where returns waited for the order; holds only where something is held.
-- Programs with tier sets ask for more of the past: what these look at before each moment that matters to them.
CREATE FUNCTION loyalty.gather_v8(p_program integer, p_asks loyalty.ask_v7[])
RETURNS TABLE (
    n integer, generation integer, revision integer,
    earlier_hash bytea, earlier_id uuid, earlier jsonb,
    order_hash bytea, known_order jsonb, waiting jsonb, subject jsonb, owners jsonb,
    member_id uuid, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz,
    enrolled_at timestamptz, counters jsonb, due_at timestamptz, merged_into uuid, stands_for uuid, balances jsonb,
    sees_lots boolean, lots loyalty.lot_v3[], holds jsonb, profile jsonb, history jsonb, shared jsonb, marked_by uuid,
    codes jsonb, pools jsonb, tiers jsonb, earned jsonb, referrals jsonb, plans jsonb
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
           CASE WHEN a.order_id IS NOT NULL OR k.request_hash <> ''
                THEN read_order_v6(p_program, coalesce(a.order_id, k.order_id), a.order_id IS NOT NULL) END,
           CASE WHEN k.request_hash = '' THEN read_waiting_v3(p_program, a.natural_key, a.now) END,
           r.subject,
           CASE WHEN a.identities IS NOT NULL THEN (
               SELECT jsonb_object_agg(x.identity, stands_for_v3(p_program, x.member_id)) FROM member_identity x
                WHERE x.program_id = p_program AND x.identity = ANY (a.identities)) END,
           m.id, m.version, m.seq, m.status, m.booked_at, m.orders, m.spend, m.first_order_at, m.last_order_at,
           CASE WHEN m.id IS NOT NULL THEN coalesce(m.enrolled_at, read_enrolled_v2(p_program, m.id)) END, m.counters,
           m.due_at, m.merged_into,
           CASE WHEN m.merged_into IS NOT NULL AND t.is_absorbed IS NOT TRUE
                THEN stands_for_v3(p_program, m.merged_into) END,
           b.balances, s.sees_lots,
           CASE WHEN s.sees_lots THEN ARRAY(
               SELECT ROW(0, x.id, x.member_id, x.wallet, x.amount, x.remaining, x.earned_at, x.available_at,
                          x.expires_at, x.funder, x.cost_micros, x.operation_id, coalesce(x.expired, 0))::lot_v3
                 FROM lot x WHERE x.program_id = p_program AND x.member_id = m.id AND x.remaining > 0) END,
           CASE WHEN s.sees_lots AND b.has_held THEN read_holds_v3(p_program, m.id) END,
           CASE WHEN a.wants_profile THEN (
               SELECT to_jsonb(x) FROM member_profile x
                WHERE x.program_id = p_program AND x.member_id = m.id) END,
           CASE WHEN h.is_wanted
                THEN read_history_v3(p_program, m.id, h.since, h.until, h.with_lines) END,
           CASE WHEN a.counters IS NOT NULL THEN read_counters_v6(p_program, a.counters, a.now) END,
           CASE WHEN a.activity_mark IS NOT NULL
                THEN read_mark_v3(p_program, m.id, a.activity_kind, a.activity_mark) END,
           CASE WHEN a.codes IS NOT NULL THEN read_codes_v6(p_program, a.codes) END,
           CASE WHEN a.pools IS NOT NULL THEN read_pools_v6(p_program, a.pools, a.turn, a.vouchers) END,
           g.tiers,
           CASE WHEN g.earned_at IS NOT NULL AND m.id IS NOT NULL
                THEN read_earned_v8(p_program, m.id, (a.lookback).earned, (a.lookback).earned_days, g.earned_at) END,
           CASE WHEN a.referral IS DISTINCT FROM NULL
                 AND ((a.referral).wants_ties
                      OR EXISTS (SELECT FROM referral x WHERE x.program_id = p_program AND x.friend_id = m.id)
                      OR EXISTS (SELECT FROM member x WHERE x.program_id = p_program AND x.merged_into = m.id))
                THEN read_referrals_v7(p_program, m.id, a.referral, s.sees_lots) END,
           CASE WHEN a.wants_plans AND m.id IS NOT NULL THEN read_plans_v7(p_program, m.id) END
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
          SELECT CASE WHEN a.subject IS NOT DISTINCT FROM NULL THEN NULL
                      ELSE read_subject_v7(p_program, a.subject) END AS subject) r ON true
      LEFT JOIN LATERAL (
          SELECT x.member_id FROM member_identity x
           WHERE x.program_id = p_program AND x.identity = a.identity LIMIT 1) i ON true
      LEFT JOIN LATERAL (
          SELECT coalesce(a.member_id, i.member_id,
                          CASE WHEN a.identity IS NULL THEN (r.subject ->> 'member_id')::uuid END) AS member_id,
                 (r.subject ->> 'is_absorbed')::boolean AS is_absorbed) t ON true
      LEFT JOIN LATERAL (
          SELECT x.* FROM member x WHERE x.program_id = p_program AND x.id = t.member_id LIMIT 1) m ON true
      LEFT JOIN LATERAL (
          SELECT a.wants_lots OR m.due_at <= greatest(a.now, m.booked_at) OR k.request_hash = '' AS sees_lots) s ON true
      LEFT JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_array(x.wallet, x.available, x.pending, x.held, x.debt, x.expires_at)) AS balances,
                 bool_or(x.held > 0) AS has_held
            FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id) b ON true
      LEFT JOIN LATERAL (
          SELECT w.tiers, least((a.lookback).orders_at, w.at) AS orders_at,
                 CASE WHEN (a.lookback).earned IS NOT NULL THEN least((a.lookback).earned_at, w.at) END AS earned_at
            FROM (SELECT v.tiers, CASE WHEN v.is_wanted
                         THEN find_matter_v8(v.tiers, r.subject, greatest(a.now, m.booked_at)) END AS at
                    FROM (SELECT s.is_wanted, CASE WHEN s.is_wanted THEN read_tiers_v7(p_program, m.id) END AS tiers
                            FROM (SELECT m.id IS NOT NULL AND a.lookback IS DISTINCT FROM NULL AS is_wanted) s
                          OFFSET 0) v
                  OFFSET 0) w) g ON true
      LEFT JOIN LATERAL (
          SELECT (m.id IS NOT NULL AND a.wants_history) OR s.is_back AS is_wanted,
                 CASE WHEN NOT s.is_back THEN a.history_since
                      WHEN (a.lookback).days IS NULL OR (a.wants_history AND a.history_since IS NULL) THEN NULL
                      ELSE least(a.history_since, g.orders_at - make_interval(days => (a.lookback).days)) END AS since,
                 CASE WHEN s.is_back THEN 'infinity'::timestamptz ELSE a.history_until END AS until,
                 a.wants_history_lines OR (s.is_back AND (a.lookback).with_lines) AS with_lines
            FROM (SELECT m.id IS NOT NULL AND g.orders_at IS NOT NULL AND (a.lookback).days IS DISTINCT FROM 0 AS is_back) s) h ON true;
END $$;
