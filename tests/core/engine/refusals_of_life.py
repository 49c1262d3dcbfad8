"""Refusals of what happens to points and orders after they were earned and placed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownHold, KnownOperation, KnownOrder, OperationKind
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    CancelOrder,
    ChangeLot,
    ClaimOrder,
    EditOrder,
    EndHold,
    EnrolMember,
    Exchange,
    HoldPoints,
    MergeMembers,
    OpenLots,
    OrderRef,
    PlaceOrder,
    Profile,
    ReturnGoods,
    ReverseOperation,
    SetStatus,
    Transfer,
)
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import LotUse
from loyalty_engine.core.points.opening import OpeningLot
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.points.postings import Posting
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, ShopOrder
from tests.core.engine.refused import BLOCKED, NOBODY, SOMEBODY, Case
from tests.core.engine_cases import (
    CARD,
    EARLIER,
    LOT,
    MEMBER,
    NOW,
    OTHER,
    call,
    known_order,
    line,
    lot,
    member,
    order,
    receipt,
    with_member,
)


def known(**fields: Any) -> KnownOrder:  # noqa: ANN401 - fields of KnownOrder
    """Return an order of two pieces for ten euros that a member has."""
    return known_order(**{"order": order(line(1000, quantity=2 * SCALE)), "revision": 3, "member_id": MEMBER, **fields})


def returned(*orders: KnownOrder, ref: OrderRef = EARLIER, **fields: Any) -> Facts:  # noqa: ANN401 - fields of Facts
    """Return facts about a member and the order that a request calls ``ref``."""
    return Facts(**{"member": member(sees_lots=True), "returned": dict.fromkeys([ref], *orders), **fields})


def bring(goods: Goods, ref: OrderRef = EARLIER, **fields: Any) -> ReturnGoods:  # noqa: ANN401 - fields of ReturnGoods
    return ReturnGoods(**{"call": call(), "order": ref, "goods": goods, "returned_at": NOW, **fields})


def take_over(*lots: OpeningLot) -> OpenLots:
    return OpenLots(call(), MEMBER, lots)


def edit(*lines: Line, **fields: Any) -> EditOrder:  # noqa: ANN401 - fields of EditOrder
    return EditOrder(
        **{
            "call": call(),
            "order_id": EARLIER,
            "lines": lines or (line(1000),),
            "shipping": 0,
            "tenders": (),
            "reason": "why",
            **fields,
        }
    )


def set_aside(expires_in: timedelta = timedelta(hours=1), **fields: Any) -> Facts:  # noqa: ANN401 - fields of KnownHold
    """Return facts about a member of whose points 50 are held."""
    held = Hold(EARLIER, "points", 50, NOW + expires_in, (LotUse(LOT, 50),))
    balances = {"points": Balance(available=50, held=50)}
    state = member(50, holds=(held,), sees_lots=True, balances=balances)
    return with_member(state, hold=KnownHold(held, MEMBER, **fields))


def done(kind: OperationKind, **fields: Any) -> KnownOperation:  # noqa: ANN401 - fields of KnownOperation
    known = {"member_id": MEMBER, "other_member_id": None, "reversed_by": None, "postings": (), "uses": (), "own": ()}
    return KnownOperation(EARLIER, kind, **{**known, **fields})


ONE: Final = Goods({"1": SCALE})
AN_ORDER: Final = {"order_id": "ord_01j0000000e00800000000000c"}
A_HOLD: Final = {"redemption_id": "red_01j0000000e00800000000000c"}
A_LOT: Final = {"lot_id": "lot_01j0000000e00800000000000d"}
AN_OPERATION: Final = {"operation_id": "op_01j0000000e00800000000000c"}
TWO: Final = with_member(member(100), other=member(id=OTHER))
GOLD: Final = {"wallet": "gold", "known": ["cashback", "points", "stamps"]}
OTHER_LOT: Final = {"lot_id": "lot_01j0000000e00800000000000c"}
GIVEN: Final = (Posting(LOT, EARLIER, MEMBER, 9, "points", "adjusted", "available", 7, None, Balance(available=7)),)
HELD: Final = Hold(LOT, "points", 5, NOW + timedelta(hours=1), ())

LIFE_CASES: Final = [
    Case("order_not_found", bring(ONE), details=AN_ORDER),
    Case("order_not_found", CancelOrder(call(), EARLIER, "why"), details=AN_ORDER),
    Case("order_not_found", edit(), details=AN_ORDER),
    Case("order_not_found", ActivateOrder(call(), EARLIER), details=AN_ORDER),
    Case(
        "order_not_found",
        PlaceOrder(call(), MEMBER, order(), exchanges=(Exchange(EARLIER, ONE),)),
        pointer="/returns/0",
        details=AN_ORDER,
    ),
    Case("order_line_not_found", bring(Goods({"1": SCALE, "9": 1})), returned(known()), "/lines/1/id", {"line": "9"}),
    Case(
        "order_line_not_found",
        ActivateOrder(call(), EARLIER, Goods({"9": None})),
        returned(known()),
        "/lines/0/id",
        {"line": "9"},
    ),
    Case(
        "order_already_cancelled",
        CancelOrder(call(), EARLIER, "why"),
        returned(known(state=OrderState(lines={"1": 2 * SCALE}, is_gone=True))),
        details=AN_ORDER,
    ),
    Case(
        "order_already_cancelled",
        ClaimOrder(call(), EARLIER, MEMBER),
        with_member(member(), order=known(member_id=None, state=OrderState(is_gone=True))),
        details=AN_ORDER,
    ),
    Case("order_not_editable", edit(), returned(known(state=OrderState(confirmed=None))), details=AN_ORDER),
    Case("order_not_editable", edit(), returned(known(state=OrderState(confirmed={"1": SCALE}))), details=AN_ORDER),
    Case("order_not_editable", edit(), returned(known(state=OrderState(lines={"1": SCALE}))), details=AN_ORDER),
    Case("order_not_editable", edit(), returned(known(state=OrderState(amount=1))), details=AN_ORDER),
    Case("order_not_editable", edit(), returned(known(state=OrderState(shipping=1))), details=AN_ORDER),
    Case(
        "order_below_payment",
        edit(line(99)),
        returned(known(payment=PaidPoints("points", 100, 100), uses=(LotUse(LOT, 100),))),
        "/lines",
        {"paid_with_points": 100},
    ),
    Case("order_total_too_large", edit(line(MAX_AMOUNT), shipping=1), returned(known()), "/lines", {"largest": 10**12}),
    Case("return_empty", bring(Goods())),
    Case("return_empty", bring(Goods({"1": 0})), returned(known()), "/lines/0/quantity", {"line": "1"}),
    Case(
        "return_empty",
        PlaceOrder(call(), MEMBER, order(), exchanges=(Exchange(ShopOrder("W-0"), ONE), Exchange(EARLIER, Goods()))),
        pointer="/returns/1",
    ),
    Case(
        "return_exceeds_order",
        bring(Goods({"1": 2 * SCALE + 1})),
        returned(known()),
        "/lines/0/quantity",
        {"line": "1", "bought": "2", "returned": "0", "wanted": "2.000001"},
    ),
    Case(
        "return_exceeds_order",
        bring(Goods({"1": None})),
        returned(known(state=OrderState(lines={"1": 2 * SCALE}))),
        "/lines/0/quantity",
        {"line": "1", "bought": "2", "returned": "2", "wanted": "0"},
    ),
    Case(
        "return_exceeds_order",
        bring(Goods({"1": 0})),
        returned(known(order=order(line(1000, quantity=0)), state=OrderState(lines={"1": 0}))),
        "/lines/0/quantity",
        {"line": "1", "bought": "0", "returned": "0", "wanted": "0"},
    ),
    Case(
        "return_exceeds_order",
        bring(Goods(amount=601)),
        returned(known(state=OrderState(amount=400))),
        "/amount",
        {"wanted": 601, "left": 600},
    ),
    Case(
        "return_exceeds_order",
        bring(Goods(shipping=1)),
        returned(known()),
        "/shipping",
        {"wanted": 1, "left": 0},
    ),
    Case(
        "return_exists",
        bring(ONE, reference=ShopOrder("R-1")),
        with_member(member(), same_number=Earlier(b"other", "{}", operation_id=EARLIER)),
        "/return_id",
        {"return_id": "ret_01j0000000e00800000000000c"},
    ),
    Case(
        "return_exists",
        bring(ONE, reference=receipt(type="return")),
        with_member(member(), same_number=Earlier(b"other", "{}", operation_id=EARLIER)),
        "/receipt",
        {"return_id": "ret_01j0000000e00800000000000c"},
    ),
    Case(
        "return_in_future",
        bring(ONE, returned_at=NOW + timedelta(minutes=5, microseconds=1)),
        pointer="/returned_at",
        details={"returned_at": "2026-06-01T12:05:00.000001Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "return_of_foreign_order",
        PlaceOrder(call(), MEMBER, order(), exchanges=(Exchange(EARLIER, ONE),)),
        returned(known(member_id=OTHER)),
        "/returns/0/order",
        AN_ORDER,
    ),
    Case(
        "return_of_foreign_order",
        PlaceOrder(call(), None, order(), exchanges=(Exchange(EARLIER, ONE),)),
        returned(known(member_id=None, claimed_by=OTHER), member=None),
        "/returns/0/order",
        AN_ORDER,
    ),
    Case(
        "return_not_covered",
        bring(ONE),
        returned(known(earned=(RuleMemory("base", 10),))),
        details={"wallet": "points", "needed": 5, "available": 0},
        policies={"returns": {"clawback": "refuse"}},
    ),
    Case(
        "till_mismatch",
        bring(ONE, call=call(location="store-2"), reference=receipt(type="return")),
        pointer="/receipt/location",
        details={"location": "store-2"},
    ),
    Case(
        "till_mismatch",
        bring(ONE, call=call(location="store-1", till="2"), reference=receipt(type="return")),
        pointer="/receipt/till",
        details={"till": "2"},
    ),
    Case(
        "till_mismatch",
        bring(ONE, call=call(location="store-1"), location="store-2"),
        pointer="/location",
        details={"location": "store-1"},
    ),
    Case(
        "wallet_not_found", HoldPoints(call(), MEMBER, "gold", 50, timedelta(hours=1)), pointer="/wallet", details=GOLD
    ),
    Case("wallet_not_found", Transfer(call(), MEMBER, OTHER, "gold", 50, "gift"), TWO, "/wallet", GOLD),
    Case(
        "wallet_not_redeemable",
        HoldPoints(call(), MEMBER, "stamps", 50, timedelta(hours=1)),
        pointer="/wallet",
        details={"wallet": "stamps"},
    ),
    Case("member_not_found", HoldPoints(call(), MEMBER, "points", 50, timedelta(hours=1)), NOBODY, "/member"),
    Case("member_blocked", HoldPoints(call(), MEMBER, "points", 50, timedelta(hours=1)), BLOCKED, "/member"),
    Case(
        "insufficient_points",
        HoldPoints(call(), MEMBER, "points", 105, timedelta(hours=1)),
        pointer="/points",
        details={"needed": 105, "available": 100},
    ),
    Case(
        "points_not_in_step",
        HoldPoints(call(), MEMBER, "points", 51, timedelta(hours=1)),
        pointer="/points",
        details={"points": 51, "step": 5},
    ),
    Case("hold_not_found", EndHold(call(), EARLIER, None), NOBODY, details=A_HOLD),
    Case(
        "hold_ended",
        EndHold(call(), EARLIER, 0),
        set_aside(ended_by=OTHER, captured=30),
        details={**A_HOLD, "ended_by": "op_01j0000000e00800000000000b", "captured": 30},
    ),
    Case(
        "hold_expired",
        EndHold(call(), EARLIER, None),
        set_aside(timedelta()),
        details={**A_HOLD, "expired_at": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "capture_exceeds_hold",
        EndHold(call(), EARLIER, 55),
        set_aside(timedelta(microseconds=1)),
        "/points",
        {"wanted": 55, "held": 50},
    ),
    Case("points_not_in_step", EndHold(call(), EARLIER, 12), set_aside(), "/points", {"points": 12, "step": 5}),
    Case("lot_not_found", ChangeLot(call(), LOT, True, None, False, "why"), NOBODY, details=A_LOT),
    Case("lot_not_found", ChangeLot(call(), EARLIER, True, None, False, "why"), details=OTHER_LOT),
    Case(
        "lot_empty",
        ChangeLot(call(), LOT, True, None, False, "why"),
        with_member(replace(member(), lots=(lot(0, amount=9),))),
        details=A_LOT,
    ),
    Case("lot_not_pending", ChangeLot(call(), LOT, False, None, True, "why"), pointer="/activate", details=A_LOT),
    Case(
        "expiry_in_past",
        ChangeLot(call(), LOT, True, NOW, False, "why"),
        pointer="/expires_at",
        details={"expires_at": "2026-06-01T12:00:00Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case("member_not_found", Transfer(call(), MEMBER, OTHER, "points", 5, "gift"), NOBODY, "/member"),
    Case("member_not_found", Transfer(call(), MEMBER, OTHER, "points", 5, "gift"), SOMEBODY, "/recipient"),
    Case("member_blocked", Transfer(call(), MEMBER, OTHER, "points", 5, "gift"), BLOCKED, "/member"),
    Case(
        "member_blocked",
        Transfer(call(), MEMBER, OTHER, "points", 5, "gift"),
        with_member(member(100), other=member(id=OTHER, status="blocked")),
        "/recipient",
    ),
    Case(
        "insufficient_points",
        Transfer(call(), MEMBER, OTHER, "points", 101, "gift"),
        TWO,
        "/points",
        {"needed": 101, "available": 100},
    ),
    Case(
        "transfer_to_self",
        Transfer(call(), MEMBER, CARD, "points", 5, "gift"),
        with_member(member(100), other=member(100)),
        "/recipient",
    ),
    Case("member_not_found", MergeMembers(call(), MEMBER, OTHER, "same"), NOBODY),
    Case("member_not_found", MergeMembers(call(), MEMBER, OTHER, "same"), SOMEBODY, "/absorbed"),
    Case("member_blocked", MergeMembers(call(), MEMBER, OTHER, "same"), BLOCKED),
    Case(
        "merge_with_self",
        MergeMembers(call(), MEMBER, CARD, "same"),
        with_member(member(100), other=member(100)),
        "/absorbed",
    ),
    Case(
        "member_has_holds",
        MergeMembers(call(), MEMBER, OTHER, "same"),
        with_member(member(), other=member(id=OTHER, holds=(HELD,))),
        "/absorbed",
        {"holds": 1},
    ),
    Case("member_not_found", SetStatus(call(), MEMBER, "blocked", "why"), NOBODY),
    Case("member_already_blocked", SetStatus(call(), MEMBER, "blocked", "why"), BLOCKED),
    Case("member_not_blocked", SetStatus(call(), MEMBER, "active", "why"), SOMEBODY),
    Case("member_not_found", take_over(OpeningLot("points", 5)), NOBODY, "/member"),
    Case(
        "wallet_not_found",
        take_over(OpeningLot("points", 5), OpeningLot("miles", 5)),
        SOMEBODY,
        "/lots/1/wallet",
        {"wallet": "miles", "known": ["cashback", "points", "stamps"]},
    ),
    Case(
        "earned_in_future",
        take_over(OpeningLot("points", 5, NOW + timedelta(seconds=1))),
        SOMEBODY,
        "/lots/0/earned_at",
        {"earned_at": "2026-06-01T12:00:01Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "expiry_in_past",
        take_over(OpeningLot("points", 5, expires_at=NOW)),
        SOMEBODY,
        "/lots/0/expires_at",
        {"expires_at": "2026-06-01T12:00:00Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case(
        "enrolled_in_future",
        EnrolMember(call(), (CARD,), Profile(), NOW + timedelta(seconds=1)),
        NOBODY,
        "/enrolled_at",
        {"enrolled_at": "2026-06-01T12:00:01Z", "now": "2026-06-01T12:00:00Z"},
    ),
    Case("operation_not_found", ReverseOperation(call(), EARLIER, "why"), details=AN_OPERATION),
    Case(
        "operation_not_reversible",
        ReverseOperation(call(), EARLIER, "why"),
        with_member(member(), reversed=done("enrolment")),
        details={**AN_OPERATION, "kind": "enrolment"},
    ),
    Case(
        "operation_already_reversed",
        ReverseOperation(call(), EARLIER, "why"),
        with_member(member(), reversed=done("adjustment", reversed_by=OTHER)),
        details={**AN_OPERATION, "reversed_by": "op_01j0000000e00800000000000b"},
    ),
    Case(
        "insufficient_points",
        ReverseOperation(call(), EARLIER, "why"),
        with_member(member(sees_lots=True), reversed=done("adjustment", postings=GIVEN)),
        details={"wallet": "points", "needed": 7, "available": 0},
        policies={"returns": {"clawback": "refuse"}},
    ),
]
