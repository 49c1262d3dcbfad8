-- Work that runs later, receipts that somebody has to look at, and the clock of sandboxes.
-- Kept equal to loyalty_engine/persistence/tables by a test.

ALTER TABLE loyalty.program ADD COLUMN is_sandbox BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE loyalty.program ADD COLUMN ahead INTERVAL DEFAULT '0' NOT NULL;

COMMENT ON TABLE loyalty.program IS 'One loyalty programme; revision is the published number that decisions use, ahead how far the clock of a sandbox was moved on';

CREATE TABLE loyalty.job (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    status TEXT DEFAULT 'waiting' NOT NULL,
    period TIMESTAMP WITH TIME ZONE,
    client_id INTEGER,
    params JSONB DEFAULT '{}' NOT NULL,
    done BIGINT DEFAULT 0 NOT NULL,
    total BIGINT,
    result JSONB,
    error TEXT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    wants_cancel BOOLEAN DEFAULT false NOT NULL,
    worker UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_after TIMESTAMP WITH TIME ZONE NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT job_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT job_program_id_kind_period_key UNIQUE (program_id, kind, period),
    CONSTRAINT job_status_check CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled'))
);

CREATE INDEX job_unended_idx ON loyalty.job (run_after) WHERE status IN ('waiting', 'running');

COMMENT ON TABLE loyalty.job IS 'Work for the worker, of program 0 when it is everybody''s; a periodic run is there once per due time, and a failed job is a dead letter until somebody retries it';

CREATE TABLE loyalty.job_file (
    program_id INTEGER NOT NULL,
    job_id UUID NOT NULL,
    number INTEGER NOT NULL,
    body BYTEA NOT NULL,
    CONSTRAINT job_file_pkey PRIMARY KEY (program_id, job_id, number)
);

COMMENT ON TABLE loyalty.job_file IS 'Personal data: an uploaded file, in pieces, until its job has ended';

CREATE TABLE loyalty.job_fault (
    program_id INTEGER NOT NULL,
    job_id UUID NOT NULL,
    line BIGINT NOT NULL,
    code TEXT NOT NULL,
    pointer TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT job_fault_pkey PRIMARY KEY (program_id, job_id, line)
);

COMMENT ON TABLE loyalty.job_fault IS 'A row of a file that a job could not take, and why; without the row''s content';

CREATE TABLE loyalty.posting_day (
    program_id INTEGER NOT NULL,
    day DATE NOT NULL,
    wallet TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    postings BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT posting_day_pkey PRIMARY KEY (program_id, day, wallet, source, destination)
);

COMMENT ON TABLE loyalty.posting_day IS 'What a finished day (UTC, of the postings'' ids) moved, summed up from its postings';

CREATE TABLE loyalty.order_review (
    program_id INTEGER NOT NULL,
    id UUID NOT NULL,
    natural_key TEXT NOT NULL,
    code TEXT NOT NULL,
    client_id INTEGER NOT NULL,
    location TEXT,
    till TEXT,
    request_hash BYTEA NOT NULL,
    body JSONB NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT DEFAULT 'open' NOT NULL,
    operation_id UUID,
    reason TEXT,
    decided_by INTEGER,
    decided_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT order_review_pkey PRIMARY KEY (program_id, id),
    CONSTRAINT order_review_program_id_natural_key_request_hash_key UNIQUE (program_id, natural_key, request_hash),
    CONSTRAINT order_review_status_check CHECK (status IN ('open', 'accepted', 'dismissed'))
);

CREATE INDEX order_review_open_idx ON loyalty.order_review (program_id, id) WHERE status = 'open';

COMMENT ON TABLE loyalty.order_review IS 'Personal data: a receipt that came too late or from the future, until somebody decides about it';
