CREATE TYPE loyalty.subject_v6 AS (
    redemption_id uuid, returned_ids uuid[], returned_keys text[], number text, hold_id uuid, lot_id uuid,
    operation_id uuid, is_other boolean, reservation_id uuid
);

CREATE TYPE loyalty.ask_v6 AS (
    n integer, client_id integer, scope text, key text,
    member_id uuid, identity text, identities text[], natural_key text, order_id uuid,
    now timestamptz, wants_lots boolean, wants_profile boolean,
    wants_history boolean, wants_history_lines boolean, history_since timestamptz, history_until timestamptz,
    counters text[], activity_kind text, activity_mark text, subject loyalty.subject_v6,
    codes text[], pools text[], turn integer, vouchers integer
);

CREATE TYPE loyalty.take_v6 AS (
    n integer, operation_id uuid, key text, amount bigint, cap bigint, until timestamptz, now timestamptz
);
