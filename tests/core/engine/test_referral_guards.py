"""Guards against fraud, decided: what is rejected, what waits for a look, and what a look leads to."""

from dataclasses import replace
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from tests.core.engine_cases import NOW
from tests.core.referral_town import Life, person, refused

WITH_ADVOCATE: Final = [
    ("identity", "rejected"),
    ("payment", "rejected"),
    ("device", "in_review"),
    ("address", "in_review"),
]
WITH_MEMBERS: Final = [
    ("identity", "rejected"),
    ("payment", "in_review"),
    ("device", "in_review"),
    ("address", "registered"),
]


@pytest.mark.parametrize(("kind", "state"), WITH_ADVOCATE)
def test_what_friend_and_advocate_share_is_suspicious(kind: str, state: str) -> None:
    life = Life.of()
    life.see(0, **the_same(kind))
    assert life.register(1, **the_same(kind)) == state
    assert life.reasons(1) == [f"shared_with_advocate:{kind}"]


@pytest.mark.parametrize(("kind", "state"), WITH_MEMBERS)
def test_what_a_friend_shares_with_another_member_is_suspicious(kind: str, state: str) -> None:
    life = Life.of()
    life.see(2, **the_same(kind))
    assert life.register(1, **the_same(kind)) == state
    assert life.reasons(1) == ([] if state == "registered" else [f"shared_with_member:{kind}"])


@pytest.mark.parametrize("whom", ["with_advocate", "with_members"])
@pytest.mark.parametrize("kind", ["identity", "payment", "device", "address"])
@pytest.mark.parametrize(
    ("verdict", "state"), [("allow", "registered"), ("review", "in_review"), ("reject", "rejected")]
)
def test_the_program_says_what_becomes_of_what_is_shared(whom: str, kind: str, verdict: str, state: str) -> None:
    life = Life.of(guards={whom: {kind: verdict}})
    life.see(0 if whom == "with_advocate" else 2, **the_same(kind))
    assert life.register(1, **the_same(kind)) == state


def test_another_digest_of_that_kind_or_the_same_of_another_kind_is_not_shared() -> None:
    life = Life.of()
    life.see(0, device="x")
    assert life.register(1, device="y", payment="x") == "registered"


def test_what_two_friends_of_one_advocate_share_is_suspicious() -> None:
    life = Life.of()
    assert life.register(1, device="x") == "registered"
    assert life.register(2, device="x") == "in_review"


def test_the_worst_finding_decides_and_all_are_told() -> None:
    life = Life.of()
    life.see(0, device="x", payment="p")
    life.see(2, device="x")
    assert life.register(1, device="x", payment="p") == "rejected"
    assert life.reasons(1) == [
        "shared_with_advocate:device",
        "shared_with_advocate:payment",
        "shared_with_member:device",
    ]


def test_what_is_seen_before_the_order_has_settled_still_counts() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.see(1, day=2, payment="x")
    life.see(0, day=3, payment="x")
    life.pass_time(15)
    assert (life.state(1), life.reasons(1)) == ("rejected", ["shared_with_advocate:payment"])
    assert (life.points(0), life.points(1), life.counters(1)) == (0, 0, {})


def test_who_was_brought_by_a_friend_of_a_friend_cannot_bring_the_first_one() -> None:
    life = Life.of()
    life.register(2, by=1)
    life.register(3, by=2)
    assert life.register(1, by=3) == "rejected"
    assert life.reasons(1) == ["cycle"]


def test_a_circle_that_was_closed_meanwhile_is_found_before_the_reward() -> None:
    life = Life.of()
    life.register(2, by=1)
    life.register(4, by=3)
    life.register(3, by=2)
    life.buy(4, day=1)
    life.buy(2, day=1)
    lost_race = life.referral(2)
    life.town.referrals[lost_race.id] = replace(lost_race, advocate_id=person(4))
    life.pass_time(15)
    assert (life.state(2), life.reasons(2)) == ("rejected", ["cycle"])
    assert (life.state(4), life.reasons(4)) == ("rewarded", [])


def test_more_friends_on_one_day_than_usual_wait_for_a_look() -> None:
    life = Life.of(guards={"per_day": 2})
    assert [life.register(friend) for friend in (1, 2, 3)] == ["registered", "registered", "in_review"]
    assert life.reasons(3) == ["too_many_a_day"]
    assert life.register(4, day=1) == "registered"
    assert life.register(5, by=1) == "registered"


def test_any_number_of_friends_a_day_where_the_program_says_so() -> None:
    life = Life.of(30, guards={"per_day": None})
    assert {life.register(friend) for friend in range(1, 30)} == {"registered"}


@pytest.mark.parametrize(("placed", "state"), [(-0.05, "in_review"), (-0.04, "registered")])
def test_a_friend_whose_older_order_turns_up_was_not_new(placed: float, state: str) -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, 100, day=1, placed=placed)
    assert life.state(1) == state
    assert life.counters(1) == ({"referral/friends/brought/lifetime/": 1} if state == "registered" else {})
    life.buy(1, day=2)
    life.pass_time(20)
    assert life.points(1) == (300 if state == "registered" else 0)
    assert life.reasons(1) == ([] if state == "registered" else ["ordered_before"])


def test_a_friend_who_counts_already_keeps_its_reward_when_an_older_order_turns_up() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(15)
    life.buy(1, day=16, placed=-5)
    assert (life.state(1), life.points(1)) == ("rewarded", 300)


def test_of_two_advocates_who_claim_one_friend_at_once_one_is_too_late() -> None:
    life = Life.of()
    requests = [life.registration(1, by=by) for by in (0, 2)]
    both = [decide(life.town.ruleset, life.town.gather(one, NOW), one, NOW) for one in requests]
    writes = [decision.changes.member for decision in both if isinstance(decision, Accepted)]
    assert [(write.expected_version, write.after.id) for write in writes if write] == [(1, person(1))] * 2
    life.do(requests[0])
    assert refused(life.do(requests[1])) == "referral_exists"


def test_a_friend_that_waits_for_a_look_gets_nothing_however_long_it_takes() -> None:
    life = suspicious()
    life.buy(1, day=1)
    life.pass_time(50)
    assert (life.state(1, 50), life.points(1), life.points(0)) == ("in_review", 0, 0)
    assert isinstance(life.review(1, "approve", 50), Accepted)
    assert (life.state(1), life.points(1), life.points(0)) == ("rewarded", 300, 500)


def test_who_is_approved_before_it_buys_counts_like_anybody() -> None:
    life = suspicious()
    life.review(1, "approve", 1)
    assert (life.state(1), life.reasons(1)) == ("registered", [])
    life.buy(1, day=2)
    life.pass_time(16)
    assert life.state(1) == "rewarded"


def test_who_is_rejected_gets_nothing() -> None:
    life = suspicious()
    life.buy(1, day=1)
    life.review(1, "reject", 2)
    life.pass_time(50)
    assert (life.state(1, 50), life.reasons(1, 50), life.points(0)) == ("rejected", ["by_review"], 0)


def test_who_is_rejected_after_the_reward_gives_it_back() -> None:
    life = Life.of()
    life.register(1)
    life.buy(1, day=1)
    life.pass_time(15)
    decision = life.review(1, "reject", 20)
    assert isinstance(decision, Accepted)
    assert decision.changes.answer["state"] == "rejected"
    assert (life.points(1), life.points(0), life.reasons(1)) == (0, 0, ["by_review"])
    life.buy(1, day=21)
    life.pass_time(50)
    assert (life.state(1), life.points(1)) == ("rejected", 0)


def test_a_rejection_can_be_taken_back() -> None:
    life = Life.of()
    life.see(0, payment="x")
    assert life.register(1, payment="x") == "rejected"
    life.buy(1, day=1)
    life.review(1, "approve", 20)
    assert (life.state(1), life.points(1), life.points(0)) == ("rewarded", 300, 500)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("registered", "approve"), ("rewarded", "approve"), ("reversed", "approve"), ("out", "reject")],
)
def test_there_is_nothing_to_say_about(state: str, verdict: str) -> None:
    life = Life.of()
    life.register(1)
    if state == "out":
        life.review(1, "reject")
    if state in ("rewarded", "reversed"):
        order_id = life.buy(1, day=1)
        life.pass_time(15)
        if state == "reversed":
            life.bring_back(order_id, 16)
    assert refused(life.review(1, verdict, 20)) == "referral_not_in_review"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"friend": 1, "by": 1}, "referral_of_self"),
        ({"friend": 0, "by": 1}, "friend_not_new"),
        ({"friend": 99, "by": 0}, "member_not_found"),
        ({"friend": 1, "by": 99}, "referral_code_not_found"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_and_leaves_nothing(what: dict[str, Any], code: str) -> None:
    life = Life.of()
    assert refused(life.do(life.registration(**what, device="x"))) == code
    assert (life.town.referrals, life.town.prints, life.town.operations) == ({}, {}, {})


def test_one_friend_has_one_advocate_for_ever() -> None:
    life = Life.of()
    life.register(1, by=0)
    assert refused(life.do(life.registration(1, by=2))) == "referral_exists"
    life.review(1, "reject")
    assert refused(life.do(life.registration(1, by=2))) == "referral_exists"


def test_whoever_ever_ordered_is_no_new_friend() -> None:
    life = Life.of()
    life.bring_back(life.buy(1), 1)
    assert refused(life.do(life.registration(1), 2)) == "friend_not_new"


def test_who_enrolled_long_ago_is_no_new_friend() -> None:
    life = Life.of()
    assert life.register(1, day=29.9) == "registered"
    assert refused(life.do(life.registration(2), 30)) == "friend_not_new"


def test_an_answer_tells_all_about_the_friends_side() -> None:
    life = Life.of()
    life.see(0, device="x")
    life.register(1, device="x")
    [_, changes] = life.town.operations.values()
    assert dict(changes.answer) | {"operation_id": "", "id": ""} == {
        "operation_id": "",
        "member_id": "mem_01j0000000e00800000000m001",
        "revision": 3,
        "effective_at": "2026-06-01T12:00:00Z",
        "booked_at": "2026-06-01T12:00:00Z",
        "id": "",
        "programme": "friends",
        "friend_id": "mem_01j0000000e00800000000m001",
        "state": "in_review",
        "reasons": [{"reason": "shared_with_advocate", "fingerprint": "device"}],
        "registered_at": "2026-06-01T12:00:00Z",
        "ends_at": "2026-07-31T12:00:00Z",
        "settles_at": None,
        "rewards": [],
    }
    assert changes.operation.booked_at == NOW


def suspicious() -> Life:
    """Return a town in which the first friend waits for a look."""
    life = Life.of()
    life.see(0, device="x")
    assert life.register(1, device="x") == "in_review"
    return life


def the_same(kind: str) -> dict[str, Any]:
    """Return one fingerprint of a kind."""
    return {kind: "x"}
