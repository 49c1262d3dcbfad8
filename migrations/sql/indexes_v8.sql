-- What is dropped is dropped first: who reads and then writes in one transaction could not let us have it later.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX loyalty.referral_review_idx;

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX loyalty.member_referral_code_idx;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX referral_state_idx ON loyalty.referral (program_id, state, id);

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX referral_unproven_idx ON loyalty.referral (program_id, id)
 WHERE state IN ('registered', 'in_review') AND proofs = '[]' AND ends_at IS NOT NULL;

-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX member_referral_code_idx ON loyalty.member ("right"(id::text, 16), program_id);
