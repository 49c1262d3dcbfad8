-- The new tables and functions under the rules of the first ones: the application reads its program's rows, and writes
-- through record only.
GRANT SELECT ON loyalty.activity, loyalty.activity_mark, loyalty.counter_use TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v2, loyalty.record_s_v2, loyalty.record_b_v2, loyalty.lock_v2 TO loyalty_app;
