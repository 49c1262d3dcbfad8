CREATE TYPE loyalty.ask_v1 AS (
    n integer, client_id integer, scope text, key text,
    member_id uuid, identity text, identities text[], natural_key text, order_id uuid, redemption_id uuid,
    wants_lots boolean, wants_profile boolean
);

CREATE TYPE loyalty.member_v1 AS (
    n integer, id uuid, expected_version bigint, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz
);

CREATE TYPE loyalty.take_v1 AS (n integer, key text, amount bigint);

CREATE TYPE loyalty.balance_v1 AS (
    n integer, member_id uuid, wallet text, available bigint, pending bigint, held bigint, debt bigint
);

CREATE TYPE loyalty.operation_v1 AS (
    n integer, id uuid, kind text, member_id uuid, order_id uuid, client_id integer, location text, till text,
    effective_at timestamptz, booked_at timestamptz, revision integer, reverses uuid,
    facts text, reasons text, answer text
);

CREATE TYPE loyalty.outcome_v1 AS (
    n integer, client_id integer, scope text, key text, outcome_id uuid, is_refusal boolean, request_hash bytea
);

CREATE TYPE loyalty.order_v1 AS (
    n integer, id uuid, natural_key text, request_hash bytea, member_id uuid, placed_at timestamptz, currency text,
    goods_total bigint, shipping bigint, paid_with_points bigint, channel text, location text, lines text, rest text
);

CREATE TYPE loyalty.posting_v1 AS (
    n integer, id uuid, operation_id uuid, member_id uuid, seq bigint, wallet text, source text, destination text,
    amount bigint, lot_id uuid, available bigint, pending bigint, held bigint, debt bigint
);

CREATE TYPE loyalty.lot_v1 AS (
    n integer, id uuid, member_id uuid, wallet text, amount bigint, remaining bigint, earned_at timestamptz,
    available_at timestamptz, expires_at timestamptz, funder text, cost_micros bigint, operation_id uuid
);

CREATE TYPE loyalty.lot_change_v1 AS (n integer, id uuid, remaining bigint);

CREATE TYPE loyalty.lot_use_v1 AS (n integer, operation_id uuid, lot_id uuid, amount bigint);

CREATE TYPE loyalty.refusal_v1 AS (
    n integer, id uuid, code text, member_id uuid, client_id integer, booked_at timestamptz, answer text
);

CREATE TYPE loyalty.rare_v1 AS (
    n integer, kind text, member_id uuid, operation_id uuid, subject_id uuid, name text, day date, attributes text
);
