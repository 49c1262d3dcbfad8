-- squawk-ignore require-concurrent-index-creation
CREATE INDEX member_program_id_due_at_id_idx ON loyalty.member (program_id, due_at, id) WHERE due_at IS NOT NULL;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX member_program_id_merged_into_idx ON loyalty.member (program_id, merged_into)
 WHERE merged_into IS NOT NULL;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX operation_program_id_other_member_id_id_idx
    ON loyalty.operation (program_id, other_member_id, id) WHERE other_member_id IS NOT NULL;
