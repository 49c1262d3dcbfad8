CREATE TYPE loyalty.review_v8 AS (
    member_id uuid, expected_version bigint, version bigint, due_at timestamptz, operation_id uuid,
    effective_at timestamptz, tier_set text, tier text, since timestamptz, until timestamptz, ends_at timestamptz,
    how text, below text[], reached_at timestamptz, revision integer, facts text, answer text
)
