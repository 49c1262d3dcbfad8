REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.read_ending_v5, loyalty.read_touched_v5 TO loyalty_app;
