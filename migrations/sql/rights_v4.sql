-- Jobs, files and reviews are not the ledger: the application writes them itself, each session those of its program.
GRANT SELECT, INSERT, UPDATE ON loyalty.job, loyalty.order_review TO loyalty_app;

GRANT SELECT, INSERT, DELETE ON loyalty.job_file, loyalty.job_fault, loyalty.posting_day TO loyalty_app;

GRANT UPDATE (ahead) ON loyalty.program TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.claim_job_v4, loyalty.programs_due_v4 TO loyalty_app;
