REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v8, loyalty.read_crowd_v8, loyalty.record_crowd_v8 TO loyalty_app
