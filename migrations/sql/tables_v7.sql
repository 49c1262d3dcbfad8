-- Where members are in tier sets, and how they came there.
-- Kept equal to loyalty_engine/persistence/tables by a test.

CREATE TABLE loyalty.member_tier (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    tier_set TEXT NOT NULL,
    tier TEXT,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    how TEXT NOT NULL,
    below TEXT[] NOT NULL,
    before JSONB,
    reached_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT member_tier_pkey PRIMARY KEY (program_id, member_id, tier_set)
)
 WITH (fillfactor = 70);

COMMENT ON TABLE loyalty.member_tier IS 'Where a member is in a tier set; touched only inside its member''s guard';

CREATE TABLE loyalty.tier_move (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    tier_set TEXT NOT NULL,
    version BIGINT NOT NULL,
    operation_id UUID NOT NULL,
    tier TEXT,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    how TEXT NOT NULL,
    below TEXT[] NOT NULL,
    before JSONB,
    reached_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT tier_move_pkey PRIMARY KEY (program_id, member_id, tier_set, version)
);

COMMENT ON TABLE loyalty.tier_move IS 'Where an operation led its member, which had that version then; insert-only';
