-- Where members are in tier sets, what they have of plans, and how that came; who brought whom, and what people are known again by.
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

CREATE TABLE loyalty.member_plan (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    plan TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_over BOOLEAN NOT NULL,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    rest JSONB NOT NULL,
    CONSTRAINT member_plan_pkey PRIMARY KEY (program_id, member_id, plan)
)
 WITH (fillfactor = 70);

COMMENT ON TABLE loyalty.member_plan IS 'What a member has of a plan; touched only inside its member''s guard';

CREATE TABLE loyalty.plan_move (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    plan TEXT NOT NULL,
    version BIGINT NOT NULL,
    operation_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_over BOOLEAN NOT NULL,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    rest JSONB NOT NULL,
    CONSTRAINT plan_move_pkey PRIMARY KEY (program_id, member_id, plan, version)
);

COMMENT ON TABLE loyalty.plan_move IS 'What an operation made of a membership, whose member had that version then; insert-only';

CREATE TABLE loyalty.referral (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    programme TEXT NOT NULL,
    friend_id UUID NOT NULL,
    advocate_id UUID NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    reasons JSONB NOT NULL,
    verdict TEXT,
    proofs JSONB NOT NULL,
    counts_for UUID,
    given JSONB NOT NULL,
    counters TEXT[] NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT referral_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT referral_program_id_friend_id_key UNIQUE (program_id, friend_id),
    CONSTRAINT referral_state_check CHECK (state IN ('registered', 'in_review', 'qualified', 'rewarded', 'rejected', 'reversed')),
    CONSTRAINT referral_verdict_check CHECK (verdict IN ('approved', 'rejected'))
);

CREATE INDEX referral_advocate_idx ON loyalty.referral (program_id, advocate_id, id);

CREATE INDEX referral_due_idx ON loyalty.referral (program_id, due_at, id) WHERE due_at IS NOT NULL;

CREATE INDEX referral_review_idx ON loyalty.referral (program_id, id) WHERE state = 'in_review';

COMMENT ON TABLE loyalty.referral IS 'A friend and who brought it, as they were when it registered: once for each friend, guarded by its version; proofs are what it bought or did that counts, given and counters what is taken back when that comes back, and due_at is when both are to be rewarded';

CREATE TABLE loyalty.member_fingerprint (
    program_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    member_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT member_fingerprint_pkey PRIMARY KEY (program_id, kind, digest, member_id),
    CONSTRAINT member_fingerprint_kind_check CHECK (kind IN ('identity', 'payment', 'device', 'address'))
);

CREATE INDEX member_fingerprint_program_id_member_id_idx ON loyalty.member_fingerprint (program_id, member_id);

COMMENT ON TABLE loyalty.member_fingerprint IS 'Personal data: digests by which shops know again who was seen with one device, address or means of payment';
