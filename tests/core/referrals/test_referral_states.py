"""States of a referral: every transition, and what it leaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.referrals.state import (
    MOST_PROOFS,
    Given,
    Proof,
    Reason,
    Referral,
    State,
    approve,
    count,
    disprove,
    give_up,
    prove,
    reject,
    reverse,
    set_aside,
    state_at,
    suspect,
)
from tests.core.engine_cases import NOW

DAY: Final = timedelta(days=1)
FRIEND, ADVOCATE = UUID(int=1), UUID(int=2)
GIVEN: Final = (Given("friend", "points", 5, UUID(int=9)),)
CYCLE: Final = Reason("cycle")
DEVICE: Final = Reason("shared_with_advocate", "device")


def referral(state: State = "registered", **fields: Any) -> Referral:  # noqa: ANN401 - fields of Referral
    known = {"registered_at": NOW, "ends_at": NOW + 60 * DAY, "state": state}
    return Referral(UUID(int=3), "friends", FRIEND, ADVOCATE, **{**known, **fields})


def proof(n: int = 1, day: float = 1, wait: float = 14) -> Proof:
    return Proof(UUID(int=100 + n), NOW + day * DAY, NOW + (day + wait) * DAY)


@pytest.mark.parametrize(
    ("found", "state", "reasons"),
    [
        ({}, "registered", ()),
        ({DEVICE: "review"}, "in_review", (DEVICE,)),
        ({CYCLE: "reject"}, "rejected", (CYCLE,)),
        ({DEVICE: "review", CYCLE: "reject"}, "rejected", (CYCLE, DEVICE)),
    ],
)
def test_what_is_suspicious_waits_or_is_rejected(found: Any, state: str, reasons: Any) -> None:  # noqa: ANN401 - as above
    after = suspect(referral(), found)
    assert (after.state, after.reasons) == (state, reasons)


def test_what_a_person_approved_is_not_suspected_again() -> None:
    assert suspect(approve(referral("in_review")), {CYCLE: "reject"}).state == "registered"


@pytest.mark.parametrize("state", ["registered", "in_review", "rejected", "reversed", "rewarded", "qualified"])
def test_a_proof_is_kept_in_every_state_and_changes_none(state: State) -> None:
    after = prove(referral(state), proof())
    assert (after.proofs, after.state) == ((proof(),), state)


@pytest.mark.parametrize(
    ("day", "is_kept"), [(-1 / 24, True), (-1.01 / 24, False), (0, True), (59.9, True), (60, False), (99, False)]
)
def test_a_proof_must_happen_in_its_time(day: float, is_kept: bool) -> None:
    assert bool(prove(referral(), proof(day=day)).proofs) is is_kept


def test_without_an_end_everything_is_in_time() -> None:
    assert prove(referral(ends_at=None), proof(day=9999)).proofs != ()


@given(st.permutations(range(6)))
def test_proofs_are_kept_by_when_they_settle_in_whichever_order_they_come(order: list[int]) -> None:
    found = referral()
    for n in order:
        found = prove(found, proof(n, day=n % 3))
    assert [one.id.int - 100 for one in found.proofs] == [0, 3, 1, 4, 2, 5]


def test_a_proof_that_is_told_anew_is_no_second_one() -> None:
    assert prove(prove(referral(), proof(day=1)), proof(day=2)).proofs == (proof(day=2),)


def test_so_many_proofs_are_kept_and_no_more() -> None:
    found = referral()
    for n in range(MOST_PROOFS + 5):
        found = prove(found, proof(n))
    assert len(found.proofs) == MOST_PROOFS


@pytest.mark.parametrize(
    ("state", "day", "is_due"),
    [
        ("registered", 14.9, False),
        ("registered", 15, True),
        ("reversed", 15, True),
        ("in_review", 15, False),
        ("rejected", 15, False),
        ("rewarded", 15, False),
        ("qualified", 15, False),
    ],
)
def test_a_referral_is_due_when_its_first_proof_has_settled(state: State, day: float, is_due: bool) -> None:
    assert referral(state, proofs=(proof(),)).is_due(NOW + day * DAY) is is_due


def test_without_a_proof_nothing_is_due() -> None:
    assert not referral().is_due(NOW + 99 * DAY)


@pytest.mark.parametrize(("given", "state"), [((), "qualified"), (GIVEN, "rewarded")])
def test_a_friend_that_counts_is_rewarded_or_only_qualified(given: tuple[Given, ...], state: str) -> None:
    after = count(referral(proofs=(proof(), proof(2))), given, ("c",), ())
    assert (after.state, after.counts, after.counts_for, after.given) == (state, True, proof().id, given)


def test_a_proof_that_goes_leaves_the_next_one_to_count_for() -> None:
    rewarded = count(referral(proofs=(proof(1), proof(2))), GIVEN, (), ())
    assert disprove(rewarded, proof(1).id).counts_for == proof(2).id
    assert disprove(rewarded, proof(2).id).counts_for == proof(1).id
    assert disprove(disprove(rewarded, proof(2).id), proof(1).id).counts_for is None


def test_what_was_bought_along_with_a_return_takes_its_place() -> None:
    rewarded = count(referral(proofs=(proof(1),)), GIVEN, (), ())
    assert prove(disprove(rewarded, proof(1).id), proof(2)).counts_for == proof(2).id


def test_a_reversal_leaves_nothing_given() -> None:
    after = reverse(count(referral(proofs=(proof(),)), GIVEN, ("c",), ()), "came_back")
    assert (after.state, after.given, after.counters, after.counts_for) == ("reversed", (), (), None)
    assert after.reasons == (Reason("came_back"),)


def test_who_a_person_rejected_is_rejected_by_the_reversal() -> None:
    rewarded = count(referral(proofs=(proof(),)), GIVEN, (), ())
    assert reverse(replace(rewarded, verdict="rejected"), "by_review").state == "rejected"


@pytest.mark.parametrize(
    ("after", "state", "reasons", "verdict"),
    [
        (approve(referral("in_review", reasons=(DEVICE,))), "registered", (), "approved"),
        (reject(referral("in_review", reasons=(DEVICE,))), "rejected", (Reason("by_review"),), "rejected"),
        (give_up(referral(), "programme_gone"), "rejected", (Reason("programme_gone"),), None),
        (set_aside(referral(verdict="approved"), (CYCLE,)), "in_review", (CYCLE,), None),
    ],
)
def test_where_a_referral_goes_by_hand(after: Referral, state: str, reasons: Any, verdict: str | None) -> None:  # noqa: ANN401 - as above
    assert (after.state, after.reasons, after.verdict) == (state, reasons, verdict)


@pytest.mark.parametrize(
    ("known", "day", "state"),
    [
        (referral(), 59.9, "registered"),
        (referral(), 60, "rejected"),
        (referral("in_review"), 60, "rejected"),
        (referral(ends_at=None), 9999, "registered"),
        (referral(proofs=(proof(),)), 60, "registered"),
        (referral("rewarded"), 60, "rewarded"),
        (referral("reversed"), 60, "reversed"),
    ],
)
def test_a_referral_whose_time_is_over_is_rejected_without_a_row(known: Referral, day: float, state: str) -> None:
    shown, reasons = state_at(known, NOW + day * DAY)
    assert shown == state
    assert (reasons == (Reason("not_in_time"),)) is (state == "rejected")
