-- Who brought a member, as gather shows it: the referrals in which it, or somebody for whom it stands, is the friend, with
-- who stands for both of their members by now, first the one that is asked for, or an open one; what they gave, where lots
-- are read; and what ties the friend to others, where that is wanted, also to somebody who is no member yet. Most members
-- were brought by nobody, and gather asks this only about those who may have been.
CREATE FUNCTION loyalty.read_referrals_v7(
    p_program integer, p_member uuid, p_ask loyalty.referral_ask_v7, p_wants_lots boolean
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = loyalty, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    v_family uuid[] := array_remove(read_family_v3(p_program, p_member), NULL);
    v_found jsonb;
    v_lots uuid[];
    v_advocate uuid;
BEGIN
    SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('friend_id', p_member,
                                                       'advocate_id', stands_for_v3(p_program, r.advocate_id))
                     ORDER BY r.id <> p_ask.referral_id NULLS FIRST, r.state NOT IN ('registered', 'reversed'), r.id)
      INTO v_found
      FROM referral r WHERE r.program_id = p_program AND r.friend_id = ANY (v_family);
    IF p_wants_lots THEN
        v_lots := ARRAY(SELECT (x.id #>> '{}')::uuid FROM jsonb_path_query(v_found, '$[*].given[*].lot_id') x(id)
                         WHERE x.id <> 'null');
    END IF;
    IF p_ask.wants_ties THEN
        v_advocate := coalesce((v_found #>> '{0,advocate_id}')::uuid, find_advocate_v7(p_program, p_ask.tail));
    END IF;
    RETURN jsonb_build_object(
        'referrals', v_found,
        'lots', CASE WHEN cardinality(v_lots) > 0 THEN read_lots_v3(p_program, v_lots) END,
        'touched', CASE WHEN cardinality(v_lots) > 0 THEN
            read_touched_v5(p_program, jsonb_build_object('operation', jsonb_build_object('own', to_jsonb(v_lots)))) END,
        'sharing', CASE WHEN p_ask.wants_ties THEN
            read_sharing_v7(p_program, v_family, v_advocate, p_ask.kinds, p_ask.digests) END,
        'upline', CASE WHEN p_ask.wants_ties THEN read_upline_v7(p_program, v_advocate, p_member) END);
END $$;
