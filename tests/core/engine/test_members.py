from datetime import date

from loyalty_engine.core.engine.requests import ChangeMember, EnrolMember, Profile
from loyalty_engine.core.kernel.ids import nth
from tests.core.engine_cases import CARD, MEMBER, OTHER_CARD, accept, after, call, member, with_member

ADA = Profile("Ada", date(1990, 5, 31), {"vegan": True})


def test_a_new_member_has_its_identities_and_profile() -> None:
    request = EnrolMember(call(), (CARD, OTHER_CARD), ADA)

    changes = accept(request, with_member(None))

    assert changes.member is not None
    assert (changes.member.expected_version, after(changes).version, after(changes).seq) == (0, 1, 0)
    assert after(changes).id == nth(request.call.operation_id, 1 << 20)
    assert (changes.identities_added, changes.profile, changes.entries) == ((CARD, OTHER_CARD), ADA, None)


def test_neither_answer_nor_facts_of_an_enrolment_hold_personal_data() -> None:
    changes = accept(EnrolMember(call(), (CARD,), ADA), with_member(None))

    kept = f"{changes.answer} {changes.facts}"
    assert not any(secret in kept for secret in ("Ada", "1990", "card", "vegan"))


def test_what_a_change_does_not_name_stays() -> None:
    state = member(version=4, profile=ADA)

    changes = accept(ChangeMember(call(), MEMBER, {"name": "Ada L."}), with_member(state))

    assert changes.profile == Profile("Ada L.", date(1990, 5, 31), {"vegan": True})
    assert (after(changes).version, after(changes).seq) == (5, 9)


def test_null_removes() -> None:
    request = ChangeMember(call(), MEMBER, {"birthday": None, "attributes": {"vegan": None, "since": "2026-01-01"}})

    changes = accept(request, with_member(member(profile=ADA)))

    assert changes.profile == Profile("Ada", None, {"since": "2026-01-01"})


def test_a_member_without_profile_can_get_one() -> None:
    changes = accept(ChangeMember(call(), MEMBER, {"attributes": {"vegan": False}}), with_member(member()))
    assert changes.profile == Profile(None, None, {"vegan": False})


def test_an_identity_that_is_there_already_is_not_added_again() -> None:
    request = ChangeMember(call(), MEMBER, {}, (CARD, OTHER_CARD), ())

    changes = accept(request, with_member(member(), owners={CARD: MEMBER}))

    assert changes.identities_added == (OTHER_CARD,)


def test_identities_are_removed() -> None:
    request = ChangeMember(call(), MEMBER, {}, (), (CARD,))

    changes = accept(request, with_member(member(), owners={CARD: MEMBER}))

    assert changes.identities_removed == (CARD,)
