-- The new tables and functions under the rules of the first ones: the application reads its program's rows, and writes
-- through record only.
GRANT SELECT ON loyalty.hold, loyalty.order_change, loyalty.return_waiting TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v3, loyalty.record_s_v3, loyalty.record_b_v3, loyalty.list_due_v3 TO loyalty_app;
