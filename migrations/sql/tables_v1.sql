-- The first schema: members, balances, lots, orders, operations, the program document and API keys.
-- Kept equal to loyalty_engine/persistence/tables.py by a test.

CREATE TABLE loyalty.program (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT program_pkey PRIMARY KEY (id),
    CONSTRAINT program_key_key UNIQUE (key)
);

COMMENT ON TABLE loyalty.program IS 'One loyalty programme; revision is the published number that decisions use';

CREATE TABLE loyalty.program_part (
    program_id INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT program_part_pkey PRIMARY KEY (program_id, hash)
);

COMMENT ON TABLE loyalty.program_part IS 'Content-hashed part of a program document; shared by all revisions that hold it unchanged';

CREATE TABLE loyalty.program_revision (
    program_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    parts BYTEA[] NOT NULL,
    client_id INTEGER,
    note TEXT,
    published_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT program_revision_pkey PRIMARY KEY (program_id, number)
);

COMMENT ON TABLE loyalty.program_revision IS 'Immutable state of a program document: its parts in document order';

CREATE TABLE loyalty.api_client (
    program_id INTEGER NOT NULL,
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    location TEXT,
    till TEXT,
    generation INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT api_client_pkey PRIMARY KEY (program_id, id)
);

COMMENT ON TABLE loyalty.api_client IS 'An application that calls us; its generation grows whenever one of its keys or rights changes';

CREATE TABLE loyalty.api_key (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    client_id INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_key_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT api_key_program_id_hash_key UNIQUE (program_id, hash)
);

COMMENT ON TABLE loyalty.api_key IS 'A secret of a client, kept as SHA-256 only';

CREATE TABLE loyalty.member (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    status TEXT NOT NULL,
    booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    orders INTEGER NOT NULL,
    spend BIGINT NOT NULL,
    first_order_at TIMESTAMP WITH TIME ZONE,
    last_order_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT member_pkey PRIMARY KEY (program_id, id)
)
 WITH (fillfactor = 70);

COMMENT ON TABLE loyalty.member IS 'Guard row: every operation of a member raises its version; no index on changing columns keeps it HOT';

CREATE TABLE loyalty.balance (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    wallet TEXT NOT NULL,
    available BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    held BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    CONSTRAINT balance_pkey PRIMARY KEY (program_id, member_id, wallet),
    CONSTRAINT balance_amounts_check CHECK (available >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0)
)
 WITH (fillfactor = 70);

COMMENT ON TABLE loyalty.balance IS 'The only updatable money; written together with the member''s guard';

CREATE TABLE loyalty.member_identity (
    program_id INTEGER NOT NULL,
    identity TEXT NOT NULL,
    member_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT member_identity_pkey PRIMARY KEY (program_id, identity)
);

CREATE INDEX member_identity_program_id_member_id_idx ON loyalty.member_identity (program_id, member_id);

COMMENT ON TABLE loyalty.member_identity IS 'Personal data: names by which shops know a member';

CREATE TABLE loyalty.member_profile (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    name TEXT,
    birthday DATE,
    attributes JSONB NOT NULL,
    CONSTRAINT member_profile_pkey PRIMARY KEY (program_id, member_id)
);

COMMENT ON TABLE loyalty.member_profile IS 'Personal data: what rules marked personal may read';

CREATE TABLE loyalty.member_note (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT member_note_pkey PRIMARY KEY (program_id, member_id, operation_id)
);

COMMENT ON TABLE loyalty.member_note IS 'Personal data: free text that people wrote about an operation';

CREATE TABLE loyalty.operation (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    member_id UUID,
    order_id UUID,
    client_id INTEGER NOT NULL,
    location TEXT,
    till TEXT,
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL,
    booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revision INTEGER NOT NULL,
    reverses UUID,
    transaction xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT operation_pkey PRIMARY KEY (program_id, id)
)
 PARTITION BY RANGE (id);

CREATE INDEX operation_program_id_member_id_id_idx ON loyalty.operation (program_id, member_id, id) WHERE member_id IS NOT NULL;

COMMENT ON TABLE loyalty.operation IS 'The log of the program, thin and for ever; transaction orders the feed';

CREATE TABLE loyalty.operation_default PARTITION OF loyalty.operation DEFAULT;

CREATE TABLE loyalty.operation_detail (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    facts JSON NOT NULL,
    reasons JSON NOT NULL,
    answer TEXT NOT NULL,
    CONSTRAINT operation_detail_pkey PRIMARY KEY (program_id, id)
)
 PARTITION BY RANGE (id);

COMMENT ON TABLE loyalty.operation_detail IS 'What explains and repeats an operation; prunable by month; no personal data';

CREATE TABLE loyalty.operation_detail_default PARTITION OF loyalty.operation_detail DEFAULT;

CREATE TABLE loyalty.idempotency (
    program_id INTEGER NOT NULL,
    client_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    outcome_id UUID NOT NULL,
    is_refusal BOOLEAN NOT NULL,
    request_hash BYTEA NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (program_id, client_id, scope, key)
);

COMMENT ON TABLE loyalty.idempotency IS 'What a request''s key became: an operation or a refusal; permanent';

CREATE TABLE loyalty.reversal (
    program_id INTEGER NOT NULL,
    reversed_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    CONSTRAINT reversal_pkey PRIMARY KEY (program_id, reversed_id)
);

COMMENT ON TABLE loyalty.reversal IS 'Which operation undid another: once, by its key';

CREATE TABLE loyalty.refusal (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    code TEXT NOT NULL,
    member_id UUID,
    client_id INTEGER NOT NULL,
    booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer TEXT NOT NULL,
    CONSTRAINT refusal_pkey PRIMARY KEY (program_id, id)
)
 PARTITION BY RANGE (id);

CREATE INDEX refusal_program_id_member_id_id_idx ON loyalty.refusal (program_id, member_id, id) WHERE member_id IS NOT NULL;

COMMENT ON TABLE loyalty.refusal IS 'A request that was refused, so that its key stays refused';

CREATE TABLE loyalty.refusal_default PARTITION OF loyalty.refusal DEFAULT;

CREATE TABLE loyalty."order" (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    member_id UUID,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    currency TEXT NOT NULL,
    goods_total BIGINT NOT NULL,
    shipping BIGINT NOT NULL,
    paid_with_points BIGINT NOT NULL,
    channel TEXT,
    location TEXT,
    lines JSONB NOT NULL,
    rest JSONB NOT NULL,
    CONSTRAINT order_pkey PRIMARY KEY (program_id, id)
)
 PARTITION BY RANGE (id);

COMMENT ON TABLE loyalty."order" IS 'A purchase as reported, with the id of the operation that accepted it';

CREATE TABLE loyalty.order_default PARTITION OF loyalty."order" DEFAULT;

CREATE TABLE loyalty.order_key (
    program_id INTEGER NOT NULL,
    natural_key TEXT NOT NULL,
    order_id UUID NOT NULL,
    request_hash BYTEA NOT NULL,
    CONSTRAINT order_key_pkey PRIMARY KEY (program_id, natural_key)
);

COMMENT ON TABLE loyalty.order_key IS 'The same receipt under any idempotency key is accepted once, for ever; unpartitioned for that';

CREATE TABLE loyalty.order_parked (
    program_id INTEGER NOT NULL,
    order_id UUID NOT NULL,
    identity TEXT NOT NULL,
    CONSTRAINT order_parked_pkey PRIMARY KEY (program_id, order_id)
);

CREATE INDEX order_parked_program_id_identity_idx ON loyalty.order_parked (program_id, identity);

COMMENT ON TABLE loyalty.order_parked IS 'Personal data: the unknown card for which an order waits';

CREATE TABLE loyalty.order_claim (
    program_id INTEGER NOT NULL,
    order_id UUID NOT NULL,
    member_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    CONSTRAINT order_claim_pkey PRIMARY KEY (program_id, order_id)
);

COMMENT ON TABLE loyalty.order_claim IS 'The member who took over an order that was accepted without one, once';

CREATE TABLE loyalty.posting (
    program_id INTEGER NOT NULL,
    member_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    id UUID NOT NULL,
    operation_id UUID NOT NULL,
    wallet TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    amount BIGINT NOT NULL,
    lot_id UUID,
    available BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    held BIGINT NOT NULL,
    debt BIGINT NOT NULL,
    CONSTRAINT posting_pkey PRIMARY KEY (program_id, member_id, seq, id),
    CONSTRAINT posting_amount_check CHECK (amount > 0)
)
 PARTITION BY RANGE (id);

COMMENT ON TABLE loyalty.posting IS 'One movement in one row, with the balances after it; insert-only';

CREATE TABLE loyalty.posting_default PARTITION OF loyalty.posting DEFAULT;

CREATE TABLE loyalty.lot (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    wallet TEXT NOT NULL,
    amount BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    earned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    available_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    funder TEXT NOT NULL,
    cost_micros BIGINT NOT NULL,
    operation_id UUID NOT NULL,
    CONSTRAINT lot_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT lot_remaining_check CHECK (remaining >= 0 AND remaining <= amount)
);

CREATE INDEX lot_open_idx ON loyalty.lot (program_id, member_id, id) WHERE remaining > 0;

COMMENT ON TABLE loyalty.lot IS 'Points earned together; touched only inside its member''s guard';

CREATE TABLE loyalty.lot_use (
    program_id INTEGER NOT NULL,
    operation_id UUID NOT NULL,
    lot_id UUID NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT lot_use_pkey PRIMARY KEY (program_id, operation_id, lot_id)
);

COMMENT ON TABLE loyalty.lot_use IS 'What an operation took out of a lot, or put back (negative); insert-only';

CREATE TABLE loyalty.counter (
    program_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    cap BIGINT NOT NULL,
    used BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT counter_pkey PRIMARY KEY (program_id, key),
    CONSTRAINT counter_used_check CHECK (used >= 0 AND used <= cap)
)
 WITH (fillfactor = 50);

COMMENT ON TABLE loyalty.counter IS 'A shared limit or budget with a cap';
