CREATE TYPE loyalty.lookback_v7 AS (
    days integer, with_lines boolean, orders_at timestamptz, earned_at timestamptz, earned text[], earned_days integer[]
);

CREATE TYPE loyalty.subject_v7 AS (
    redemption_id uuid, returned_ids uuid[], returned_keys text[], number text, hold_id uuid, lot_id uuid,
    operation_id uuid, is_other boolean, reservation_id uuid, referral_id uuid, tail text
);

CREATE TYPE loyalty.referral_ask_v7 AS (
    referral_id uuid, wants_ties boolean, tail text, kinds text[], digests text[]
);

CREATE TYPE loyalty.ask_v7 AS (
    n integer, client_id integer, scope text, key text,
    member_id uuid, identity text, identities text[], natural_key text, order_id uuid,
    now timestamptz, wants_lots boolean, wants_profile boolean,
    wants_history boolean, wants_history_lines boolean, history_since timestamptz, history_until timestamptz,
    counters text[], activity_kind text, activity_mark text, subject loyalty.subject_v7,
    codes text[], pools text[], turn integer, vouchers integer, lookback loyalty.lookback_v7,
    referral loyalty.referral_ask_v7, wants_plans boolean
);

CREATE TYPE loyalty.review_v7 AS (
    member_id uuid, expected_version bigint, version bigint, due_at timestamptz, operation_id uuid,
    effective_at timestamptz, tier_set text, tier text, since timestamptz, until timestamptz, ends_at timestamptz,
    how text, below text[], revision integer, facts text, answer text
);
