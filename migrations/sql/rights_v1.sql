-- Who may do what. The application's role reads under row-level security and writes loyalty state through record only:
-- it may neither UPDATE nor DELETE a ledger row. Gather and record run with the owner's rights and filter by program.
GRANT USAGE ON SCHEMA loyalty TO loyalty_app;

GRANT SELECT ON ALL TABLES IN SCHEMA loyalty TO loyalty_app;

REVOKE ALL ON loyalty.operation_default, loyalty.operation_detail_default, loyalty.order_default,
    loyalty.posting_default, loyalty.refusal_default FROM loyalty_app;

GRANT INSERT ON loyalty.program_part, loyalty.program_revision, loyalty.api_client, loyalty.api_key TO loyalty_app;

GRANT UPDATE (revision) ON loyalty.program TO loyalty_app;

GRANT UPDATE (name, scopes, generation) ON loyalty.api_client TO loyalty_app;

GRANT UPDATE (expires_at, revoked_at) ON loyalty.api_key TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v1, loyalty.record_s_v1, loyalty.record_b_v1, loyalty.lock_v1,
    loyalty.enter_v1 TO loyalty_app;

ALTER TABLE loyalty.program ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_program ON loyalty.program
    USING (id = nullif(current_setting('loyalty.program_id', true), '')::integer);
