CREATE TYPE loyalty.subject_v3 AS (
    redemption_id uuid, returned_ids uuid[], returned_keys text[], number text, hold_id uuid, lot_id uuid,
    operation_id uuid, is_other boolean
);

CREATE TYPE loyalty.ask_v3 AS (
    n integer, client_id integer, scope text, key text,
    member_id uuid, identity text, identities text[], natural_key text, order_id uuid,
    now timestamptz, wants_lots boolean, wants_profile boolean,
    wants_history boolean, wants_history_lines boolean, history_since timestamptz, history_until timestamptz,
    counters text[], activity_kind text, activity_mark text, subject loyalty.subject_v3
);

CREATE TYPE loyalty.member_v3 AS (
    n integer, id uuid, expected_version bigint, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz, enrolled_at timestamptz,
    counters text, due_at timestamptz
);

CREATE TYPE loyalty.balance_v3 AS (
    n integer, member_id uuid, wallet text, available bigint, pending bigint, held bigint, debt bigint,
    expires_at timestamptz
);

CREATE TYPE loyalty.operation_v3 AS (
    n integer, id uuid, kind text, member_id uuid, order_id uuid, client_id integer, location text, till text,
    effective_at timestamptz, booked_at timestamptz, revision integer, reverses uuid, other_member_id uuid,
    facts text, reasons text, answer text
);

CREATE TYPE loyalty.lot_v3 AS (
    n integer, id uuid, member_id uuid, wallet text, amount bigint, remaining bigint, earned_at timestamptz,
    available_at timestamptz, expires_at timestamptz, funder text, cost_micros bigint, operation_id uuid,
    expired bigint
);

CREATE TYPE loyalty.lot_change_v3 AS (
    n integer, id uuid, remaining bigint, available_at timestamptz, expires_at timestamptz, expired bigint
);
