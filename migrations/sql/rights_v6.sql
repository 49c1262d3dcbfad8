-- Pools and codes are not the ledger: the application writes them itself, each session those of its program.
GRANT SELECT, INSERT, UPDATE ON loyalty.code_pool, loyalty.promo_code TO loyalty_app;

GRANT SELECT ON loyalty.reservation, loyalty.reservation_end, loyalty.counter_lease TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v6, loyalty.record_b_v6 TO loyalty_app;
