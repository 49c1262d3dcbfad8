GRANT SELECT ON loyalty.member_tier, loyalty.tier_move TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v7, loyalty.record_b_v7, loyalty.list_members_v7 TO loyalty_app;
