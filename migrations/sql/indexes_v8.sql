-- squawk-ignore require-concurrent-index-creation
CREATE INDEX referral_state_idx ON loyalty.referral (program_id, state, id);

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX referral_unproven_idx ON loyalty.referral (program_id, id)
 WHERE state IN ('registered', 'in_review') AND proofs = '[]' AND ends_at IS NOT NULL;

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX loyalty.referral_review_idx;
