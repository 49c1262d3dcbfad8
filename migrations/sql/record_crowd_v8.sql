-- Reviews of many members, each guarded by its version; who was changed meanwhile is left as it is. Returns who was
-- reviewed. The members come in the order of their ids, so that nobody waits for anybody in a circle.
CREATE FUNCTION loyalty.record_crowd_v8(
    p_program integer, p_now timestamptz, p_reviews loyalty.review_v8[]
)
RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_won uuid[];
    v_all boolean;
BEGIN
    WITH moved AS (
        UPDATE member m SET version = x.version, booked_at = p_now, due_at = x.due_at
          FROM unnest(p_reviews) x
         WHERE m.program_id = p_program AND m.id = x.member_id AND m.version = x.expected_version
        RETURNING m.id
    )
    SELECT coalesce(array_agg(id), '{}') INTO v_won FROM moved;
    v_all := cardinality(v_won) = cardinality(p_reviews);
    INSERT INTO operation (program_id, id, kind, member_id, client_id, effective_at, booked_at, revision)
    SELECT p_program, x.operation_id, 'tier_review', x.member_id, 0, x.effective_at, p_now, x.revision
      FROM unnest(p_reviews) x WHERE v_all OR x.member_id = ANY (v_won);
    INSERT INTO operation_detail (program_id, id, facts, reasons, answer)
    SELECT p_program, x.operation_id, x.facts::json, '[]', x.answer
      FROM unnest(p_reviews) x WHERE v_all OR x.member_id = ANY (v_won);
    INSERT INTO tier_move (program_id, member_id, tier_set, version, operation_id, tier, since, until, ends_at, how, below,
                           reached_at)
    SELECT p_program, x.member_id, x.tier_set, x.version, x.operation_id, x.tier, x.since, x.until, x.ends_at, x.how,
           x.below, x.reached_at
      FROM unnest(p_reviews) x WHERE v_all OR x.member_id = ANY (v_won);
    UPDATE member_tier t
       SET tier = x.tier, since = x.since, until = x.until, ends_at = x.ends_at, how = x.how, below = x.below,
           before = NULL, reached_at = x.reached_at
      FROM unnest(p_reviews) x
     WHERE t.program_id = p_program AND t.member_id = x.member_id AND t.tier_set = x.tier_set
       AND (v_all OR x.member_id = ANY (v_won));
    RETURN v_won;
END $$;
