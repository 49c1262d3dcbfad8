-- Promo codes, reservations, and what these hold of counters.
-- Kept equal to loyalty_engine/persistence/tables by a test.

CREATE TABLE loyalty.code_pool (
    program_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    promotion TEXT,
    name TEXT,
    pattern TEXT,
    terms JSONB DEFAULT '{}' NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    low_at BIGINT,
    job_id UUID,
    codes BIGINT DEFAULT 0 NOT NULL,
    digest BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT code_pool_pkey PRIMARY KEY (program_id, key),
    CONSTRAINT code_pool_kind_check CHECK (kind IN ('shared', 'generated', 'imported', 'personal', 'vouchers'))
);

COMMENT ON TABLE loyalty.code_pool IS 'Promo codes that have promotion, terms and limits in common; terms are how long they can be used and how often, codes how many were put in, and digest tells one request that made it from another';

CREATE TABLE loyalty.promo_code (
    program_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    pool TEXT NOT NULL,
    shown TEXT,
    is_active BOOLEAN DEFAULT true NOT NULL,
    member_id UUID,
    operation_id UUID,
    issued_at TIMESTAMP WITH TIME ZONE,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    turn INTEGER,
    CONSTRAINT promo_code_pkey PRIMARY KEY (program_id, code)
);

CREATE INDEX promo_code_member_idx ON loyalty.promo_code (program_id, member_id) WHERE member_id IS NOT NULL;

CREATE INDEX promo_code_turn_idx ON loyalty.promo_code (program_id, pool, turn) WHERE turn IS NOT NULL;

CREATE INDEX promo_code_pool_idx ON loyalty.promo_code (program_id, pool, code) WHERE shown IS NOT NULL;

COMMENT ON TABLE loyalty.promo_code IS 'A promo code as it is compared; shown is how people read it, and follows from the pattern of its pool for codes that a job made, which no index but the key holds; the times are its own where it was given to a member; turn is drawn for a voucher that waits to be given out, and NULL for all others';

CREATE TABLE loyalty.reservation (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    member_id UUID,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    body JSONB NOT NULL,
    CONSTRAINT reservation_pkey PRIMARY KEY (program_id, id)
);

COMMENT ON TABLE loyalty.reservation IS 'An order as it was decided, with all that it holds until then; insert-only';

CREATE TABLE loyalty.reservation_end (
    program_id INTEGER NOT NULL,
    reservation_id UUID NOT NULL,
    operation_id UUID NOT NULL,
    how TEXT NOT NULL,
    CONSTRAINT reservation_end_pkey PRIMARY KEY (program_id, reservation_id),
    CONSTRAINT reservation_end_how_check CHECK (how IN ('confirmed', 'released', 'replaced'))
);

COMMENT ON TABLE loyalty.reservation_end IS 'What ended a reservation, once; one that was never ended ran out; insert-only';

CREATE TABLE loyalty.counter_lease (
    program_id INTEGER NOT NULL,
    counter TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT counter_lease_pkey PRIMARY KEY (program_id, counter, until),
    CONSTRAINT counter_lease_amount_check CHECK (amount >= 0)
)
 WITH (fillfactor = 50);

COMMENT ON TABLE loyalty.counter_lease IS 'What reservations that run out at one moment hold of a counter, together; it counts until then';
