GRANT SELECT ON loyalty.member_tier, loyalty.tier_move, loyalty.member_plan, loyalty.plan_move, loyalty.referral, loyalty.member_fingerprint TO loyalty_app;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA loyalty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION loyalty.gather_v7, loyalty.record_b_v7, loyalty.list_members_v7,
    loyalty.read_crowd_v7, loyalty.sum_orders_v7, loyalty.record_crowd_v7,
    loyalty.list_due_referrals_v7, loyalty.programs_with_due_referrals_v7 TO loyalty_app;
