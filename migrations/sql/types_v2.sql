CREATE TYPE loyalty.ask_v2 AS (
    n integer, client_id integer, scope text, key text,
    member_id uuid, identity text, identities text[], natural_key text, order_id uuid, redemption_id uuid,
    wants_lots boolean, wants_profile boolean,
    wants_history boolean, wants_history_lines boolean, history_since timestamptz, history_until timestamptz,
    counters text[], activity_kind text, activity_mark text
);

CREATE TYPE loyalty.member_v2 AS (
    n integer, id uuid, expected_version bigint, version bigint, seq bigint, status text, booked_at timestamptz,
    orders integer, spend bigint, first_order_at timestamptz, last_order_at timestamptz, enrolled_at timestamptz,
    counters text
);

CREATE TYPE loyalty.take_v2 AS (n integer, operation_id uuid, key text, amount bigint, cap bigint);

CREATE TYPE loyalty.activity_v2 AS (
    n integer, id uuid, member_id uuid, kind text, subject text, mark text, occurred_at timestamptz, attributes text
);
