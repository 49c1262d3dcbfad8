-- Points wait, last, are held and come back: when something is next due with a member, who stands for whom, how much of a
-- lot expired, holds, what became of orders, returns that wait for their order.
-- Kept equal to loyalty_engine/persistence/tables by a test.

ALTER TABLE loyalty.member ADD COLUMN due_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE loyalty.member ADD COLUMN merged_into UUID;

COMMENT ON TABLE loyalty.member IS 'Guard row: every operation of a member raises its version; what changes each time is not indexed, so it stays HOT';

ALTER TABLE loyalty.balance ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

-- The release before meets such lots only where a program's points wait to be confirmed, which it knows nothing of.
-- squawk-ignore ban-drop-not-null
ALTER TABLE loyalty.lot ALTER COLUMN available_at DROP NOT NULL;

ALTER TABLE loyalty.lot ADD COLUMN expired BIGINT;

ALTER TABLE loyalty.operation ADD COLUMN other_member_id UUID;

ALTER TABLE loyalty.order_claim ADD COLUMN earned JSONB;

CREATE TABLE loyalty.hold (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    wallet TEXT NOT NULL,
    points BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_by UUID,
    captured BIGINT,
    CONSTRAINT hold_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT hold_points_check CHECK (points > 0 AND captured BETWEEN 0 AND points)
);

CREATE INDEX hold_open_idx ON loyalty.hold (program_id, member_id) WHERE ended_by IS NULL;

COMMENT ON TABLE loyalty.hold IS 'Points set aside, with the id of the operation that did it; lot_use tells where they came from';

CREATE TABLE loyalty.order_change (
    program_id INTEGER NOT NULL,
    order_id UUID NOT NULL,
    number INTEGER NOT NULL,
    operation_id UUID NOT NULL,
    spend BIGINT NOT NULL,
    is_gone BOOLEAN NOT NULL,
    lines JSONB NOT NULL,
    state JSONB NOT NULL,
    CONSTRAINT order_change_pkey PRIMARY KEY (program_id, order_id, number)
);

COMMENT ON TABLE loyalty.order_change IS 'What became of an order, each row the sum of all before it; insert-only, its number is the guard';

CREATE TABLE loyalty.return_waiting (
    program_id INTEGER NOT NULL,
    natural_key TEXT NOT NULL,
    operation_id UUID NOT NULL,
    goods JSONB NOT NULL,
    returned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    waits_until TIMESTAMP WITH TIME ZONE NOT NULL,
    applied_by UUID,
    CONSTRAINT return_waiting_pkey PRIMARY KEY (program_id, natural_key, operation_id)
);

CREATE INDEX return_waiting_open_idx ON loyalty.return_waiting (program_id, operation_id) WHERE applied_by IS NULL;

COMMENT ON TABLE loyalty.return_waiting IS 'Returns that came before their order; its number is theirs until it comes';

COMMENT ON TABLE loyalty.order_key IS 'What has a number of its own is accepted once under any idempotency key, for ever: an order, or a return; without a hash it is an order that is waited for. Unpartitioned for that';
