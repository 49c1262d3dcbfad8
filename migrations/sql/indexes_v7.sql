-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX member_referral_code_idx ON loyalty.member (program_id, "right"(id::text, 16));
