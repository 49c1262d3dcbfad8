"""What explanations say of friends: a sentence for each state and each reason."""

from typing import get_args

import pytest

from loyalty_engine.api.explanations import explain_referral
from loyalty_engine.core.kernel.refusals import RefusalCode
from loyalty_engine.core.referrals.state import FingerprintKind, State, Why


@pytest.mark.parametrize("state", sorted({*get_args(State)} - {"invited"}))
def test_each_state_has_a_sentence(state: str) -> None:
    [said] = explain_referral({"programme": "friends", "state": state, "reasons": []})
    assert said.startswith("friends: ")


@pytest.mark.parametrize("why", sorted({*get_args(Why)} - {"shared_with_advocate", "shared_with_member"}))
def test_each_reason_has_a_sentence(why: str) -> None:
    [_, said] = explain_referral({"programme": "friends", "state": "rejected", "reasons": [{"reason": why}]})
    assert said.startswith("friends: ")


@pytest.mark.parametrize("kind", sorted(get_args(FingerprintKind)))
def test_what_is_shared_is_named(kind: str) -> None:
    reasons = [{"reason": why, "fingerprint": kind} for why in ("shared_with_advocate", "shared_with_member")]
    [_, one, other] = explain_referral({"state": "in_review", "reasons": reasons})
    assert one.startswith("friend: the friend shares its ")
    assert (one.endswith("with the advocate"), other.endswith("with another member")) == (True, True)


def test_who_is_no_friend_is_told_why() -> None:
    refused: dict[str, object] = {"state": None, "refused": RefusalCode.REFERRAL_OF_SELF.value, "details": {}}
    assert explain_referral(refused) == ["friend: not registered, both are the same member"]
    assert explain_referral({}) == []
