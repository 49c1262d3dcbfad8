-- Everything that the decisions on some requests of one program need, one row a request, in one round trip.
-- Each look-up is LATERAL over a primary key, so that the plan stays a chain of index probes at any table size.
CREATE FUNCTION loyalty.gather_v1(p_program integer, p_asks loyalty.ask_v1[])
RETURNS TABLE (
    n integer, generation integer, revision integer,
    earlier_hash bytea, earlier_id uuid, earlier_answer text, earlier_refusal text,
    order_id uuid, order_hash bytea, order_answer text, order_member_id uuid, order_claimed_by uuid,
    order_parked_for text, order_parked_owner uuid, order_body jsonb,
    redemption jsonb, owners jsonb,
    member_id uuid, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz,
    balances jsonb, lots jsonb, profile jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY
    SELECT a.n, c.generation, p.revision,
           e.request_hash, e.outcome_id, e.answer, e.code,
           o.id, o.request_hash, o.answer, o.member_id, o.claimed_by, o.parked_for, o.parked_owner, o.body,
           r.body, w.owners,
           m.id, m.version, m.seq, m.status, m.booked_at, m.orders, m.spend, m.first_order_at, m.last_order_at,
           b.balances, l.lots, f.profile
      FROM unnest(p_asks) a
      LEFT JOIN LATERAL (
          SELECT x.revision FROM program x WHERE x.id = p_program LIMIT 1) p ON true
      LEFT JOIN LATERAL (
          SELECT x.generation FROM api_client x WHERE x.program_id = p_program AND x.id = a.client_id LIMIT 1) c ON true
      LEFT JOIN LATERAL (
          SELECT x.request_hash, x.outcome_id, coalesce(d.answer, f.answer) AS answer, f.code
            FROM idempotency x
            LEFT JOIN operation_detail d ON NOT x.is_refusal AND d.program_id = p_program AND d.id = x.outcome_id
            LEFT JOIN refusal f ON x.is_refusal AND f.program_id = p_program AND f.id = x.outcome_id
           WHERE x.program_id = p_program AND x.client_id = a.client_id AND x.scope = a.scope AND x.key = a.key
           LIMIT 1) e ON true
      LEFT JOIN LATERAL (
          SELECT x.order_id, x.request_hash FROM order_key x
           WHERE x.program_id = p_program AND x.natural_key = a.natural_key LIMIT 1) k ON true
      LEFT JOIN LATERAL (
          SELECT x.id, k.request_hash, d.answer, x.member_id, q.member_id AS claimed_by, h.identity AS parked_for,
                 i.member_id AS parked_owner,
                 CASE WHEN a.order_id IS NOT NULL THEN to_jsonb(x) END AS body
            FROM "order" x
            LEFT JOIN operation_detail d ON d.program_id = p_program AND d.id = x.id
            LEFT JOIN order_claim q ON q.program_id = p_program AND q.order_id = x.id
            LEFT JOIN order_parked h ON h.program_id = p_program AND h.order_id = x.id
            LEFT JOIN member_identity i ON i.program_id = p_program AND i.identity = h.identity
           WHERE x.program_id = p_program AND x.id = coalesce(a.order_id, k.order_id)
           LIMIT 1) o ON true
      LEFT JOIN LATERAL (
          SELECT x.member_id, jsonb_build_object(
                     'id', x.id, 'member_id', x.member_id, 'cancelled_by', v.operation_id,
                     'wallet', (SELECT g.wallet FROM posting g
                                 WHERE g.program_id = p_program AND g.member_id = x.member_id
                                   AND g.operation_id = x.id LIMIT 1),
                     'uses', (SELECT jsonb_agg(jsonb_build_array(u.lot_id, u.amount)) FROM lot_use u
                               WHERE u.program_id = p_program AND u.operation_id = x.id)) AS body
            FROM operation x
            LEFT JOIN reversal v ON v.program_id = p_program AND v.reversed_id = x.id
           WHERE x.program_id = p_program AND x.id = a.redemption_id AND x.kind = 'redemption'
           LIMIT 1) r ON true
      LEFT JOIN LATERAL (
          SELECT jsonb_object_agg(x.identity, x.member_id) AS owners FROM member_identity x
           WHERE a.identities IS NOT NULL AND x.program_id = p_program AND x.identity = ANY (a.identities)) w ON true
      LEFT JOIN LATERAL (
          SELECT x.member_id FROM member_identity x
           WHERE x.program_id = p_program AND x.identity = a.identity LIMIT 1) i ON true
      LEFT JOIN LATERAL (
          SELECT x.* FROM member x
           WHERE x.program_id = p_program
             AND x.id = coalesce(a.member_id, i.member_id, r.member_id)
           LIMIT 1) m ON true
      LEFT JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_array(x.wallet, x.available, x.pending, x.held, x.debt)) AS balances
            FROM balance x WHERE x.program_id = p_program AND x.member_id = m.id) b ON true
      LEFT JOIN LATERAL (
          SELECT jsonb_agg(to_jsonb(x)) AS lots FROM lot x
           WHERE a.wants_lots AND x.program_id = p_program AND x.member_id = m.id AND x.remaining > 0) l ON true
      LEFT JOIN LATERAL (
          SELECT to_jsonb(x) AS profile FROM member_profile x
           WHERE a.wants_profile AND x.program_id = p_program AND x.member_id = m.id LIMIT 1) f ON true;
END $$;
