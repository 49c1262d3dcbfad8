"""Every refusal there is, with where its fault lies and the numbers that explain it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Refused
from loyalty_engine.core.engine.facts import (
    Earlier,
)
from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelRedemption,
    ChangeMember,
    ClaimOrder,
    EnrolMember,
    PlaceOrder,
    Profile,
    Redeem,
)
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, MAX_BALANCE
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.refusals import RefusalCode
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import LotUse
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import Codes, KnownCode
from tests.core.engine.refusals_of_codes import CODE_CASES
from tests.core.engine.refusals_of_life import LIFE_CASES
from tests.core.engine.refusals_of_plans import PLAN_CASES
from tests.core.engine.refusals_of_referrals import REFERRAL_CASES
from tests.core.engine.refusals_of_reservations import RESERVATION_CASES
from tests.core.engine.refusals_of_tiers import TIER_CASES
from tests.core.engine.refused import BLOCKED, NOBODY, Case
from tests.core.engine_cases import (
    CARD,
    EARLIER,
    LOT,
    MEMBER,
    NOW,
    OTHER,
    OTHER_CARD,
    call,
    known_order,
    known_redemption,
    line,
    member,
    order,
    place,
    receipt,
    redeem,
    report,
    ruleset,
    ruleset_of,
    with_member,
)
from tests.core.program.test_clock import REFUSED as CLOCK_CASES

TILL: Final[dict[str, Any]] = {"location": "store-1", "till": "1"}


def adjust(points: int, **fields: Any) -> Adjust:  # noqa: ANN401 - fields of Adjust
    return Adjust(
        **{"call": call(), "member": MEMBER, "wallet": "points", "points": points, "reason": "error", **fields}
    )


def from_till(**actor: Any) -> PlaceOrder:  # noqa: ANN401 - fields of Actor
    return PlaceOrder(call(**actor), None, order(reference=receipt(), location="store-1"))


CASES: Final = [
    Case("idempotency_key_reused", redeem(50), with_member(member(100), earlier=Earlier(b"other", "{}"))),
    Case("member_not_found", redeem(50), NOBODY, "/member"),
    Case("member_not_found", adjust(50), NOBODY, "/member"),
    Case("member_not_found", place(by=MEMBER), NOBODY, "/member"),
    Case("member_not_found", place(by=CARD), NOBODY, "/member", unknown_card="refuse"),
    Case("member_not_found", ClaimOrder(call(), EARLIER, MEMBER), with_member(None, order=known_order()), "/member"),
    Case("member_not_found", ChangeMember(call(), MEMBER, {}), NOBODY),
    Case("member_blocked", redeem(50), BLOCKED, "/member"),
    Case("member_blocked", place(), BLOCKED, "/member"),
    Case("member_blocked", ClaimOrder(call(), EARLIER, MEMBER), BLOCKED, "/member"),
    Case("member_blocked", ChangeMember(call(), MEMBER, {}), BLOCKED),
    Case("member_required", place(by=None, pay=10), NOBODY, "/pay_with_points"),
    Case("member_required", place(by=CARD, pay=10), NOBODY, "/pay_with_points", unknown_card="park"),
    Case(
        "identity_taken",
        EnrolMember(call(), (CARD, OTHER_CARD), Profile()),
        with_member(None, owners={OTHER_CARD: OTHER}),
        "/identities/1",
    ),
    Case(
        "identity_taken",
        ChangeMember(call(), MEMBER, {}, (CARD, OTHER_CARD)),
        with_member(member(), owners={CARD: MEMBER, OTHER_CARD: OTHER}),
        "/add_identities/1",
    ),
    Case(
        "identity_not_found",
        ChangeMember(call(), MEMBER, {}, (), (CARD, OTHER_CARD)),
        with_member(member(), owners={CARD: MEMBER, OTHER_CARD: OTHER}),
        "/remove_identities/1",
    ),
    Case(
        "order_not_found",
        ClaimOrder(call(), EARLIER, MEMBER),
        details={"order_id": "ord_01j0000000e00800000000000c"},
    ),
    Case(
        "order_exists",
        place(),
        with_member(member(), order=known_order()),
        "/order_id",
        {"order_id": "ord_01j0000000e00800000000000c"},
    ),
    Case(
        "order_exists",
        place(reference=receipt()),
        with_member(member(), order=known_order()),
        "/receipt",
        {"order_id": "ord_01j0000000e00800000000000c"},
    ),
    Case(
        "order_already_claimed",
        ClaimOrder(call(), EARLIER, MEMBER),
        with_member(member(), order=known_order(member_id=OTHER)),
        details={"order_id": "ord_01j0000000e00800000000000c"},
    ),
    Case(
        "order_already_claimed",
        ClaimOrder(call(), EARLIER, MEMBER),
        with_member(member(), order=known_order(claimed_by=MEMBER)),
        details={"order_id": "ord_01j0000000e00800000000000c"},
    ),
    Case(
        "order_claim_mismatch",
        ClaimOrder(call(), EARLIER, MEMBER),
        with_member(member(), order=known_order(parked_for=CARD, parked_owner=OTHER)),
        "/member",
    ),
    Case(
        "order_claim_mismatch",
        ClaimOrder(call(), EARLIER, MEMBER),
        with_member(member(), order=known_order(parked_for=CARD, parked_owner=None)),
        "/member",
    ),
    Case(
        "order_in_future",
        place(placed_at=NOW + timedelta(minutes=5, microseconds=1)),
        pointer="/placed_at",
        details={"placed_at": "2026-06-01T12:05:00.000001Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "order_too_old",
        place(placed_at=NOW - timedelta(days=14, microseconds=1)),
        pointer="/placed_at",
        details={"placed_at": "2026-05-18T11:59:59.999999Z", "now": "2026-06-01T12:00:00Z", "max_age_days": 14},
        policies={"orders": {"max_age_days": 14, "late": "refuse"}},
    ),
    Case(
        "order_total_too_large",
        place(line(MAX_AMOUNT), shipping=1),
        pointer="/lines",
        details={"largest": 1_000_000_000_000},
    ),
    Case(
        "promo_code_refused",
        replace(place(), codes=Codes((FoldedCode("XMAS"), FoldedCode("SPR1NG")))),
        with_member(member(), codes={"XMAS": KnownCode(FoldedCode("XMAS"), "gone")}),
        "/codes/0",
        {
            "codes": [
                {"code": "XMAS", "promotion": None, "used": False, "reason": "unknown"},
                {"code": "SPR1NG", "promotion": None, "used": False, "reason": "unknown"},
            ]
        },
    ),
    Case(
        "currency_mismatch", place(currency="USD"), pointer="/currency", details={"currency": "USD", "expected": "EUR"}
    ),
    Case("till_mismatch", from_till(location="store-2"), NOBODY, "/receipt/location", {"location": "store-2"}),
    Case("till_mismatch", from_till(location="store-1", till="2"), NOBODY, "/receipt/till", {"till": "2"}),
    Case(
        "till_mismatch",
        PlaceOrder(call(**TILL), None, order(location="store-1")),
        NOBODY,
        "/receipt/till",
        {"till": "1"},
    ),
    Case(
        "till_mismatch",
        PlaceOrder(call(location="store-1"), None, order(location="store-2")),
        NOBODY,
        "/location",
        {"location": "store-1"},
    ),
    Case("member_not_found", report(), NOBODY, "/member"),
    Case("member_not_found", report(member=CARD), NOBODY, "/member"),
    Case("member_blocked", report(), BLOCKED, "/member"),
    Case("activity_not_declared", report("poll"), pointer="/kind", details={"declared": ["own_cup", "survey"]}),
    Case("activity_not_declared", report("poll"), NOBODY, "/kind", {"declared": ["own_cup", "survey"]}),
    Case("activity_subject_required", report(subject=None), pointer="/subject"),
    Case(
        "activity_in_future",
        report(occurred_at=NOW + timedelta(minutes=5, microseconds=1)),
        pointer="/occurred_at",
        details={"occurred_at": "2026-06-01T12:05:00.000001Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "activity_already_counted",
        report(),
        with_member(member(), marked_by=EARLIER),
        details={"operation_id": "op_01j0000000e00800000000000c"},
    ),
    Case(
        "attribute_not_declared",
        report(attributes={"size": 1}),
        pointer="/attributes/size",
        details={"declared": ["score", "weight"]},
    ),
    Case(
        "attribute_type_mismatch",
        report(attributes={"score": "9"}),
        pointer="/attributes/score",
        details={"expected": "integer"},
    ),
    Case(
        "attribute_type_mismatch",
        report(attributes={"weight": "-1"}),
        pointer="/attributes/weight",
        details={"expected": "decimal"},
    ),
    Case(
        "attribute_not_declared",
        place(attributes={"colour": "red"}),
        pointer="/attributes/colour",
        details={"declared": ["bags", "slot"]},
    ),
    Case(
        "attribute_not_declared",
        place(line(1), line(2, id="2", attributes={"a/b~c": 1})),
        pointer="/lines/1/attributes/a~1b~0c",
        details={"declared": ["cup", "litres"]},
    ),
    Case(
        "attribute_not_declared",
        EnrolMember(call(), (CARD,), Profile(attributes={"shoe": 44})),
        NOBODY,
        "/attributes/shoe",
        {"declared": ["since", "vegan"]},
    ),
    Case(
        "attribute_not_declared",
        ChangeMember(call(), MEMBER, {"attributes": {"shoe": None}}),
        pointer="/attributes/shoe",
        details={"declared": ["since", "vegan"]},
    ),
    Case(
        "attribute_type_mismatch",
        place(attributes={"bags": True}),
        pointer="/attributes/bags",
        details={"expected": "integer"},
    ),
    Case(
        "attribute_type_mismatch",
        place(line(1, attributes={"litres": "1,5"})),
        pointer="/lines/0/attributes/litres",
        details={"expected": "decimal"},
    ),
    Case(
        "attribute_type_mismatch",
        EnrolMember(call(), (CARD,), Profile(attributes={"since": "2026-2-1"})),
        NOBODY,
        "/attributes/since",
        {"expected": "date"},
    ),
    Case(
        "wallet_not_found",
        redeem(50, wallet="gold"),
        pointer="/wallet",
        details={"wallet": "gold", "known": ["cashback", "points", "stamps"]},
    ),
    Case(
        "wallet_not_found",
        adjust(50, wallet="gold"),
        pointer="/wallet",
        details={"wallet": "gold", "known": ["cashback", "points", "stamps"]},
    ),
    Case(
        "wallet_not_found",
        PlaceOrder(call(), MEMBER, order(), Payment("gold", 50)),
        pointer="/pay_with_points/wallet",
        details={"wallet": "gold", "known": ["cashback", "points", "stamps"]},
    ),
    Case("wallet_not_redeemable", redeem(50, wallet="stamps"), pointer="/wallet", details={"wallet": "stamps"}),
    Case("insufficient_points", redeem(105), pointer="/points", details={"needed": 105, "available": 100}),
    Case(
        "insufficient_points",
        Redeem(call(), MEMBER, "cashback", 1),
        pointer="/points",
        details={"needed": 1, "available": 0},
    ),
    Case("insufficient_points", adjust(-101), pointer="/points", details={"needed": 101, "available": 100}),
    Case(
        "insufficient_points",
        place(pay=105),
        pointer="/pay_with_points/points",
        details={"needed": 105, "available": 100},
    ),
    Case("points_below_minimum", redeem(5), pointer="/points", details={"points": 5, "min_points": 10}),
    Case(
        "points_below_minimum", place(pay=5), pointer="/pay_with_points/points", details={"points": 5, "min_points": 10}
    ),
    Case("points_not_in_step", redeem(12), pointer="/points", details={"points": 12, "step": 5}),
    Case(
        "points_above_share",
        place(line(190), pay=100),
        pointer="/pay_with_points/points",
        details={"points": 100, "most": 95},
    ),
    Case(
        "balance_too_large",
        adjust(2),
        with_member(member(balances={"points": Balance(available=MAX_BALANCE - 1)})),
        details={"wallet": "points", "largest": 9007199254740991},
    ),
    Case(
        "balance_too_large",
        adjust(-MAX_AMOUNT, if_short="debt"),
        with_member(member(balances={"points": Balance(debt=MAX_BALANCE - MAX_AMOUNT + 1)})),
        details={"wallet": "points", "largest": 9007199254740991},
    ),
    Case(
        "redemption_not_found",
        CancelRedemption(call(), EARLIER, "why"),
        NOBODY,
        details={"redemption_id": "red_01j0000000e00800000000000c"},
    ),
    Case(
        "redemption_already_cancelled",
        CancelRedemption(call(), EARLIER, "why"),
        with_member(member(), redemption=known_redemption(LotUse(LOT, 50), cancelled_by=OTHER)),
        details={
            "redemption_id": "red_01j0000000e00800000000000c",
            "cancelled_by": "op_01j0000000e00800000000000b",
        },
    ),
    *LIFE_CASES,
    *RESERVATION_CASES,
    *CODE_CASES,
    *TIER_CASES,
    *PLAN_CASES,
    *REFERRAL_CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{type(case.request).__name__}")
def test_a_request_is_refused_and_says_where_and_why(case: Case) -> None:
    changed = {"policies": case.policies, **case.parts}
    rules = ruleset_of(**changed) if case.policies or case.parts else ruleset(case.unknown_card)
    decision = decide(rules, case.facts, case.request, NOW)

    assert isinstance(decision, Refused), decision
    refusal = decision.refusal
    assert (refusal.code, refusal.pointer, dict(refusal.details)) == (case.code, case.pointer, case.details)
    assert decision.is_stored is (case.code != "idempotency_key_reused")


def test_every_refusal_has_its_case() -> None:
    of_the_clock = {code for _, _, code, _, _ in CLOCK_CASES}
    assert {case.code for case in CASES} | of_the_clock == set(RefusalCode)
