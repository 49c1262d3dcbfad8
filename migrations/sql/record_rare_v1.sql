-- The rows that few operations bring: identities, profiles, notes, parked and claimed orders, reversals.
-- Called by shape B with what its winners bring.
CREATE FUNCTION loyalty.record_rare_v1(p_program integer, p_rare loyalty.rare_v1[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
AS $$
BEGIN
    DELETE FROM member_identity t USING unnest(p_rare) x
     WHERE x.kind = 'identity_removed' AND t.program_id = p_program AND t.identity = x.name
       AND t.member_id = x.member_id;
    INSERT INTO member_identity (program_id, identity, member_id)
    SELECT p_program, x.name, x.member_id FROM unnest(p_rare) x WHERE x.kind = 'identity_added' ORDER BY x.name;
    INSERT INTO member_profile (program_id, member_id, name, birthday, attributes)
    SELECT p_program, x.member_id, x.name, x.day, x.attributes::jsonb FROM unnest(p_rare) x WHERE x.kind = 'profile'
        ON CONFLICT (program_id, member_id) DO UPDATE
       SET name = excluded.name, birthday = excluded.birthday, attributes = excluded.attributes;
    INSERT INTO member_note (program_id, member_id, operation_id, note)
    SELECT p_program, x.member_id, x.operation_id, x.name FROM unnest(p_rare) x WHERE x.kind = 'note';
    INSERT INTO order_parked (program_id, order_id, identity)
    SELECT p_program, x.subject_id, x.name FROM unnest(p_rare) x WHERE x.kind = 'parked';
    INSERT INTO order_claim (program_id, order_id, member_id, operation_id)
    SELECT p_program, x.subject_id, x.member_id, x.operation_id FROM unnest(p_rare) x WHERE x.kind = 'claim';
    INSERT INTO reversal (program_id, reversed_id, operation_id)
    SELECT p_program, x.subject_id, x.operation_id FROM unnest(p_rare) x WHERE x.kind = 'reversal';
END $$;
