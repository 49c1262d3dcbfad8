CREATE TYPE loyalty.plain_ask_v9 AS (
    n integer, client_id integer, scope text, key text, member_id uuid, identity text, natural_key text,
    now timestamptz, wants_lots boolean
);

CREATE TYPE loyalty.outcome_v9 AS (request_hash bytea, id uuid, body jsonb);

CREATE TYPE loyalty.numbered_v9 AS (request_hash bytea, known_order jsonb, waiting jsonb);

CREATE TYPE loyalty.held_balance_v9 AS (
    wallet text, available bigint, pending bigint, held bigint, debt bigint, expires_at timestamptz
)
