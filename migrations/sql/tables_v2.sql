-- Members know since when they are members and carry counters of their own; activities; what operations took from
-- shared counters. Kept equal to loyalty_engine/persistence/tables by a test.

ALTER TABLE loyalty.member ADD COLUMN enrolled_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE loyalty.member ADD COLUMN counters JSONB;

CREATE TABLE loyalty.activity (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attributes JSONB NOT NULL,
    CONSTRAINT activity_pkey PRIMARY KEY (program_id, id)
)
 PARTITION BY RANGE (id);

CREATE INDEX activity_program_id_member_id_kind_occurred_at_idx
    ON loyalty.activity (program_id, member_id, kind, occurred_at);

COMMENT ON TABLE loyalty.activity IS 'An activity as reported, with the id of the operation that accepted it';

CREATE TABLE loyalty.activity_default PARTITION OF loyalty.activity DEFAULT;

CREATE TABLE loyalty.activity_mark (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    kind TEXT NOT NULL,
    mark TEXT NOT NULL,
    operation_id UUID NOT NULL,
    CONSTRAINT activity_mark_pkey PRIMARY KEY (program_id, member_id, kind, mark)
);

COMMENT ON TABLE loyalty.activity_mark IS 'What a member may do once is done once, for ever; unpartitioned for that';

CREATE TABLE loyalty.counter_use (
    program_id INTEGER NOT NULL,
    operation_id UUID NOT NULL,
    counter TEXT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT counter_use_pkey PRIMARY KEY (program_id, operation_id, counter)
);

COMMENT ON TABLE loyalty.counter_use IS 'What an operation took from a counter, or gave back (negative); insert-only';

COMMENT ON TABLE loyalty.counter IS 'A shared limit or budget; cap is that of the operation which took last';
