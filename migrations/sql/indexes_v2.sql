-- squawk-ignore require-concurrent-index-creation
CREATE INDEX order_program_id_member_id_placed_at_idx
    ON loyalty."order" (program_id, member_id, placed_at) WHERE member_id IS NOT NULL;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX order_claim_program_id_member_id_idx ON loyalty.order_claim (program_id, member_id);
