"""Refusals about referrals."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.referral_requests import (
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.referrals.state import Proof, Referral
from tests.core.engine.refused import NOBODY, Case
from tests.core.engine_cases import EARLIER, MEMBER, NOW, OTHER, call, member, with_member
from tests.core.referral_town import DAY, FRIENDS

OFFERED: Final[tuple[dict[str, Any], ...]] = (
    {**FRIENDS, "advocate": {"when": {"fact": "member.orders", "at_least": 1}}},
)
KNOWN: Final = Referral(EARLIER, "friends", MEMBER, OTHER, NOW - 20 * DAY)
SHOWN: Final = {"referral_id": "rfl_01j0000000e00800000000000c"}


def friend(**fields: Any) -> MemberState:  # noqa: ANN401 - fields of MemberState
    return member(**{"enrolled_at": NOW - DAY, **fields})


def register(programme: str | None = None) -> RegisterReferral:
    return RegisterReferral(call(), MEMBER, FoldedCode("ANNA"), programme)


def case(code: str, known: Any, pointer: str = "", **details: Any) -> Case:  # noqa: ANN401 - facts and numbers
    """Return a registration that is refused."""
    return Case(code, register(), known, pointer, details, parts={"referrals": list(OFFERED)})


ADVOCATE: Final = member(id=OTHER, orders=1)
BOTH: Final = with_member(friend(), other=ADVOCATE)
DUE_LATER: Final = replace(KNOWN, proofs=(Proof(OTHER, NOW - DAY, NOW + timedelta(hours=1)),))

REFERRAL_CASES: Final = [
    Case("referrals_not_offered", register(), BOTH, "/programme", {"known": []}),
    Case(
        "referrals_not_offered",
        register("vip"),
        BOTH,
        "/programme",
        {"known": ["friends"]},
        parts={"referrals": list(OFFERED)},
    ),
    case("member_not_found", NOBODY, "/member"),
    case("member_blocked", with_member(friend(status="blocked"), other=ADVOCATE), "/member"),
    case("referral_code_not_found", with_member(friend()), "/code"),
    case("member_blocked", with_member(friend(), other=replace(ADVOCATE, status="blocked")), "/code"),
    case("referral_of_self", with_member(friend(), other=friend()), "/code"),
    case("referral_exists", replace(BOTH, referral=KNOWN), "/member", **SHOWN),
    case("friend_not_new", with_member(friend(orders=2), other=ADVOCATE), "/member", orders=2),
    case("friend_not_new", with_member(friend(first_order_at=NOW), other=ADVOCATE), "/member", orders=0),
    case(
        "friend_not_new",
        with_member(friend(enrolled_at=NOW - 30 * DAY), other=ADVOCATE),
        "/member",
        enrolled_at="2026-05-02T12:00:00Z",
    ),
    case("advocate_not_allowed", with_member(friend(), other=member(id=OTHER)), "/code", programme="friends"),
    Case("member_not_found", SeeFingerprints(call(), MEMBER, ()), NOBODY, "/member"),
    Case("referral_not_found", ReviewReferral(call(), EARLIER, "approve", "why"), NOBODY, details=SHOWN),
    Case("referral_not_found", RewardReferral(call(), UUID(int=EARLIER.int)), NOBODY, details=SHOWN),
    Case(
        "referral_not_in_review",
        ReviewReferral(call(), EARLIER, "approve", "why"),
        replace(BOTH, referral=KNOWN),
        details={"state": "registered"},
    ),
    Case(
        "referral_not_in_review",
        ReviewReferral(call(), EARLIER, "reject", "why"),
        replace(BOTH, referral=replace(KNOWN, state="rejected", verdict="rejected")),
        details={"state": "rejected"},
    ),
    Case(
        "referral_not_due",
        RewardReferral(call(), EARLIER),
        replace(BOTH, referral=KNOWN),
        details={"state": "registered", "settles_at": None},
    ),
    Case(
        "referral_not_due",
        RewardReferral(call(), EARLIER),
        replace(BOTH, referral=DUE_LATER),
        details={"state": "registered", "settles_at": "2026-06-01T13:00:00Z"},
    ),
]
