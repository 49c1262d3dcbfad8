"""Reservations: what is held, and how that ends, once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

import pytest

from loyalty_engine.core.engine.decision import Accepted, Refused, Repeated
from loyalty_engine.core.engine.requests import (
    CancelOrder,
    ConfirmReservation,
    EndHold,
    MemberRef,
    MergeMembers,
    ReleaseReservation,
    Request,
    ReserveOrder,
    ReturnGoods,
    SetStatus,
)
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import CodeLimit, Codes, KnownCode
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, ShopOrder
from tests.core.engine_cases import (
    CARD,
    DOCUMENT,
    MEMBER,
    NOW,
    OTHER,
    call,
    line,
    lot,
    member,
    order,
    place,
    receipt,
    redeem,
    ruleset_of,
)
from tests.core.store import Store

TEA: Final = {
    "key": "tea_off",
    "when": {"lines": {"category": ["tea"]}, "count": {"at_least": 1}},
    "effect": {"kind": "amount_off", "amount": 100},
    "limits": [{"per": "program", "times": 1}],
}
"""One euro off tea, once for everybody."""
MINE: Final = {
    "key": "coffee_off",
    "when": {"lines": {"category": ["coffee"]}, "count": {"at_least": 1}},
    "effect": {"kind": "percent_off", "percent": "10%"},
    "limits": [{"per": "member", "times": 1}],
}
"""A tenth off an order with coffee, once for each member."""
BY_CODE: Final = {"key": "by_code", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 300}}
"""Three euros off, with a promo code."""
XMAS: Final = FoldedCode("XMAS")
WITH_XMAS: Final = Codes((XMAS,))
TEN: Final = timedelta(minutes=10)
CUP_OF_TEA: Final = line(1000, category="tea")
CUP_OF_COFFEE: Final = line(1000, category="coffee")
COFFEE_TOO: Final = line(1000, id="2", category="coffee")


def reserve(*lines: Line, n: int, by: MemberRef | None = MEMBER, pay: int | None = 0, **fields: Any) -> ReserveOrder:  # noqa: ANN401 - fields of ReserveOrder
    payment = None if pay == 0 else Payment("points", pay)
    bought = order(*lines, reference=ShopOrder(""))
    return ReserveOrder(**{"call": call(n), "member": by, "order": bought, "ttl": TEN, "payment": payment, **fields})


def confirm(n: int, reserved: int, number: str = "W-1", **fields: Any) -> ConfirmReservation:  # noqa: ANN401 - fields of Call
    return ConfirmReservation(call(n, **fields), call(reserved).operation_id, ShopOrder(number))


def release(n: int, reserved: int) -> ReleaseReservation:
    return ReleaseReservation(call(n), call(reserved).operation_id, "abandoned")


def store(points: int = 500, **parts: Any) -> Store:  # noqa: ANN401 - parts of the document
    kept = Store({3: ruleset_of(promotions=[TEA, MINE, BY_CODE], **parts)})
    kept.enrol(member(points))
    kept.enrol(member(id=OTHER, lots=False), CARD)
    return kept


def refused(kept: Store, request: Request, *, after: timedelta = timedelta()) -> dict[str, Any]:
    decision = kept.decide(request, NOW + after)
    assert isinstance(decision, Refused), decision
    return {"code": str(decision.refusal.code), "at": decision.refusal.pointer, **decision.refusal.details}


def discounts(accepted: Accepted) -> dict[str, int]:
    return {one["promotion"]: one["amount"] for one in accepted.changes.answer["discounts"]}


def balance(kept: Store) -> Balance:
    return kept.members[MEMBER].balances["points"]


def test_a_reservation_holds_points_and_confirming_it_spends_them() -> None:
    kept = store()
    reserved = kept.accept(reserve(CUP_OF_TEA, n=1, pay=200), NOW)

    assert (balance(kept).available, balance(kept).held) == (300, 200)
    assert {name: reserved.changes.answer[name] for name in ("id", "status", "until", "total", "due")} == {
        "id": "res_01j4000000e00r000000000000",
        "status": "reserved",
        "until": "2026-06-01T12:10:00Z",
        "total": 900,
        "due": 700,
    }
    confirmed = kept.accept(confirm(2, 1), NOW + timedelta(minutes=9))
    answer = confirmed.changes.answer

    assert (answer["status"], answer["reservation_id"]) == ("credited", "res_01j4000000e00r000000000000")
    assert (answer["effective_at"], answer["booked_at"]) == ("2026-06-01T11:00:00Z", "2026-06-01T12:09:00Z")
    assert (answer["total"], answer["due"], answer["paid_with_points"]["points"]) == (900, 700, 200)
    assert (balance(kept).available, balance(kept).held) == (307, 0)
    assert (kept.shared, set(kept.leases.values())) == ({"promotion/tea_off/times/program/lifetime/": 1}, {0})
    assert (kept.members[MEMBER].orders, kept.members[MEMBER].spend) == (1, 700)


def test_a_reservation_runs_out_at_a_full_ten_seconds() -> None:
    kept = store()
    at = NOW + timedelta(seconds=2, microseconds=1)

    assert kept.accept(reserve(n=1, ttl=timedelta(seconds=10)), at).changes.answer["until"] == "2026-06-01T12:00:20Z"
    assert kept.accept(reserve(n=2, ttl=timedelta(seconds=8)), at).changes.answer["until"] == "2026-06-01T12:00:20Z"
    assert kept.accept(reserve(n=3), at + timedelta(seconds=8)).changes.answer["until"] == "2026-06-01T12:10:20Z"


def test_two_carts_never_plan_the_same_points_or_the_same_last_use() -> None:
    kept = store(500)
    first = kept.accept(reserve(CUP_OF_TEA, COFFEE_TOO, n=1, pay=None), NOW)
    second = kept.accept(reserve(CUP_OF_TEA, COFFEE_TOO, n=2, pay=None), NOW)

    assert discounts(first) == {"tea_off": 100, "coffee_off": 190}
    assert first.changes.answer["paid_with_points"]["points"] == 500
    assert (discounts(second), second.changes.answer["paid_with_points"]) == ({}, None)
    assert refused(kept, redeem(10, n=3))["code"] == "insufficient_points"


def test_what_was_released_is_free_again_and_a_reservation_ends_once() -> None:
    kept = store(500)
    kept.accept(reserve(CUP_OF_TEA, COFFEE_TOO, n=1, pay=None), NOW)
    released = kept.accept(release(2, 1), NOW)

    assert (released.changes.answer["status"], released.changes.answer["reason"]) == ("released", "abandoned")
    assert (balance(kept).available, balance(kept).held) == (500, 0)
    assert (kept.members[MEMBER].counters, kept.counters(NOW)) == ({}, {})
    assert refused(kept, confirm(3, 1)) == {
        "code": "reservation_ended",
        "at": "",
        "reservation_id": "res_01j4000000e00r000000000000",
        "how": "released",
        "operation_id": "op_01j4000000e018000000000000",
    }
    assert refused(kept, release(4, 1))["code"] == "reservation_ended"


def test_a_confirmed_reservation_names_its_order_when_somebody_ends_it_again() -> None:
    kept = store()
    kept.accept(reserve(n=1), NOW)
    kept.accept(confirm(2, 1), NOW)

    assert refused(kept, release(3, 1))["order_id"] == "ord_01j4000000e018000000000000"
    assert refused(kept, confirm(4, 1, "W-2"))["how"] == "confirmed"
    assert refused(kept, confirm(5, 1, digest=b"other")) == {
        "code": "order_exists",
        "at": "/order_id",
        "order_id": "ord_01j4000000e018000000000000",
    }
    assert isinstance(kept.decide(confirm(6, 1), NOW), Repeated)


@pytest.mark.parametrize("by", [MEMBER, None])
def test_what_ran_out_holds_nothing_and_can_be_neither_confirmed_nor_released(by: UUID | None) -> None:
    kept = store(500)
    kept.accept(reserve(CUP_OF_TEA, n=1, by=by, pay=None if by else 0), NOW)

    for ended in (confirm(2, 1), release(2, 1), reserve(n=2, replaces=call(1).operation_id)):
        found = refused(kept, ended, after=TEN)
        assert (found["code"], found["until"]) == ("reservation_expired", "2026-06-01T12:10:00Z")
    again = kept.accept(reserve(CUP_OF_TEA, n=3, pay=None), NOW + TEN)
    assert discounts(again) == {"tea_off": 100}
    assert (balance(kept).available, balance(kept).held) == (50, 450)


def test_the_last_use_is_taken_by_somebody_else_the_moment_it_is_free() -> None:
    kept = store()
    kept.accept(reserve(CUP_OF_TEA, n=1), NOW)
    moment = timedelta(microseconds=1)

    assert discounts(kept.accept(reserve(CUP_OF_TEA, n=2, by=None), NOW + TEN - moment)) == {}
    assert discounts(kept.accept(reserve(CUP_OF_TEA, n=3, by=None), NOW + TEN)) == {"tea_off": 100}


def test_a_reservation_is_replaced_by_another_that_holds_the_same_last_use() -> None:
    kept = store(500)
    kept.accept(reserve(CUP_OF_TEA, COFFEE_TOO, n=1, pay=None), NOW)
    more = reserve(CUP_OF_TEA, line(2000, id="2", category="coffee"), n=2, pay=None, replaces=call(1).operation_id)
    replaced = kept.accept(more, NOW + timedelta(minutes=5))

    assert discounts(replaced) == {"tea_off": 100, "coffee_off": 290}
    assert replaced.changes.answer["paid_with_points"]["points"] == 500
    assert [part.answer["status"] for part in replaced.before] == ["replaced"]
    assert (balance(kept).available, balance(kept).held) == (0, 500)
    assert refused(kept, confirm(3, 1))["how"] == "replaced"
    assert kept.accept(confirm(4, 2), NOW + timedelta(minutes=6)).changes.answer["total"] == 2610
    assert kept.members[MEMBER].counters == {"promotion/coffee_off/times/member/lifetime/": 1}


def test_only_one_of_the_same_buyer_is_replaced_or_one_of_a_guest_who_is_known_by_now() -> None:
    kept = store()
    kept.accept(reserve(CUP_OF_TEA, n=1), NOW)
    kept.accept(reserve(CUP_OF_TEA, n=2, by=None), NOW)

    for by in (OTHER, None):
        found = refused(kept, reserve(n=3, by=by, replaces=call(1).operation_id))
        assert (found["code"], found["at"]) == ("reservation_not_found", "/replaces")
    assert kept.accept(reserve(n=4, by=OTHER, replaces=call(2).operation_id), NOW).before


@pytest.mark.parametrize("by", [MEMBER, None])
@pytest.mark.parametrize("per", ["code", "member"])
def test_a_code_that_is_used_once_is_held_confirmed_and_given_back_once(
    by: UUID | None, per: Literal["code", "member"]
) -> None:
    kept = store()
    kept.codes[XMAS] = KnownCode(XMAS, "by_code", limits=(CodeLimit(per, 1), CodeLimit("guest", 1)))
    codes = WITH_XMAS if by else replace(WITH_XMAS, guest="77")

    def cart(n: int, **fields: Any) -> ReserveOrder:  # noqa: ANN401 - fields of ReserveOrder
        return reserve(n=n, by=by, codes=codes, **fields)

    first = kept.accept(cart(1), NOW)
    assert (discounts(first), first.changes.answer["codes"][0]["used"]) == ({"by_code": 300}, True)
    assert refused(kept, cart(2))["code"] == "promo_code_refused"
    assert discounts(kept.accept(cart(3, replaces=call(1).operation_id), NOW)) == {"by_code": 300}
    kept.accept(release(4, 3), NOW)
    kept.accept(cart(5), NOW)
    confirmed = kept.accept(confirm(6, 5), NOW).changes
    assert (confirmed.answer["total"], confirmed.answer["codes"][0]["used"]) == (700, True)
    assert refused(kept, cart(7), after=TEN)["code"] == "promo_code_refused"
    kept.accept(CancelOrder(call(8), confirmed.operation.id, "void"), NOW)
    assert discounts(kept.accept(cart(9), NOW)) == {"by_code": 300}


def test_goods_that_come_back_restore_the_points_that_were_held() -> None:
    kept = store(500)
    kept.accept(reserve(CUP_OF_TEA, n=1, pay=200), NOW)
    confirmed = kept.accept(confirm(2, 1), NOW)
    returned = ReturnGoods(call(3), confirmed.changes.operation.id, Goods(lines={"1": 1_000_000}))
    kept.accept(returned, NOW + timedelta(days=1))

    assert (balance(kept).available, balance(kept).held) == (500, 0)
    assert kept.lots[lot(500).id].remaining == 500
    assert kept.counters(NOW) == {}


def test_a_return_that_waited_for_the_number_follows_the_confirmation() -> None:
    kept = store(500)
    kept.accept(ReturnGoods(call(1), ShopOrder("W-1"), Goods(lines={"1": 1_000_000})), NOW)
    kept.accept(reserve(CUP_OF_TEA, n=2, pay=200), NOW)
    confirmed = kept.accept(confirm(3, 2), NOW)

    assert [part["restored"]["points"] for part in confirmed.changes.answer["returns"]] == [200]
    assert balance(kept).available == 500


def test_an_unknown_card_enrols_at_the_reservation() -> None:
    kept = store()
    reserved = kept.accept(reserve(CUP_OF_COFFEE, n=1, by=Identity("card:9")), NOW)
    new = kept.identities[Identity("card:9")]

    assert (reserved.changes.answer["status"], kept.members[new].enrolled_at) == ("reserved", NOW)
    [lease] = kept.members[new].counters
    assert lease.startswith("reserved/20260601T121000Z/")
    assert lease.endswith("/promotion/coffee_off/times/member/lifetime/")
    kept.accept(confirm(2, 1), NOW)
    assert kept.members[new].balances["points"].available == 29


def test_an_order_for_an_unknown_card_is_parked_when_it_is_confirmed() -> None:
    kept = store(program={**DOCUMENT["program"], "unknown_card": "park"})
    kept.accept(reserve(CUP_OF_TEA, n=1, by=Identity("card:9")), NOW)
    answer = kept.accept(confirm(2, 1), NOW).changes.answer

    assert (answer["status"], answer["effects"], answer["total"]) == ("parked", [], 900)
    assert kept.orders[call(2).operation_id].row.parked_for == "card:9"


def test_a_blocked_members_reservation_can_be_confirmed_for_it_was_decided_before() -> None:
    kept = store()
    kept.accept(reserve(n=1, pay=200), NOW)
    kept.accept(SetStatus(call(2), MEMBER, "blocked", "fraud"), NOW)

    assert kept.accept(confirm(3, 1), NOW).changes.answer["status"] == "credited"


def test_what_a_reservation_holds_goes_with_its_member() -> None:
    kept = store()
    kept.accept(reserve(CUP_OF_COFFEE, n=1, by=OTHER), NOW)
    kept.accept(MergeMembers(call(2), MEMBER, OTHER, "same"), NOW)

    assert discounts(kept.accept(reserve(CUP_OF_COFFEE, n=3), NOW)) == {}
    assert kept.accept(confirm(4, 1), NOW).changes.operation.member_id == MEMBER
    assert kept.members[MEMBER].counters == {"promotion/coffee_off/times/member/lifetime/": 1}


def test_the_hold_of_a_reservation_ends_with_it_only() -> None:
    kept = store()
    kept.accept(reserve(n=1, pay=200), NOW)

    assert refused(kept, EndHold(call(2), call(1).operation_id, None))["code"] == "hold_not_found"


def test_what_was_decided_stays_when_rules_change_and_what_has_no_wallet_any_more_is_not_given() -> None:
    kept = store()
    kept.accept(reserve(CUP_OF_TEA, n=1), NOW)
    kept.accept(reserve(line(1000, attributes={"cup": True}), n=2), NOW)
    dear = {"key": "base", "wallet": "points", "earn": {"kind": "fixed", "points": 999}}
    wallets = [wallet for wallet in DOCUMENT["wallets"] if wallet["key"] != "stamps"]
    kept.rulesets[4] = ruleset_of(revision=4, earning_rules=[dear], wallets=wallets)
    tea, cup = kept.accept(confirm(3, 1), NOW).changes, kept.accept(confirm(4, 2, "W-2"), NOW).changes

    assert (tea.answer["revision"], tea.answer["total"], discounts(Accepted(tea))) == (3, 900, {"tea_off": 100})
    assert [(effect["rule"], effect["points"]) for effect in tea.answer["effects"]] == [("base", 9), ("back", 18)]
    assert [(effect["rule"], effect["points"]) for effect in cup.answer["effects"]] == [("base", 10)]
    assert "stamps" not in kept.members[MEMBER].balances
    kept.accept(CancelOrder(call(5), cup.operation.id, "void"), NOW)


def test_a_key_that_is_bound_to_a_place_reserves_and_confirms_for_that_place_only() -> None:
    kept = store()
    bought = order(reference=ShopOrder(""), location="store-1")
    mine = reserve(n=1)
    kept.accept(ReserveOrder(call(1, location="store-1", till="1"), MEMBER, bought, TEN), NOW)

    found = refused(kept, ReserveOrder(call(2, location="store-2"), MEMBER, bought, TEN))
    assert (found["code"], found["at"]) == ("till_mismatch", "/location")
    assert refused(kept, confirm(3, 1, location="store-2"))["code"] == "reservation_not_found"
    foreign = ReleaseReservation(call(4, location="store-2"), mine.call.operation_id)
    assert refused(kept, foreign)["code"] == "reservation_not_found"
    elsewhere = ConfirmReservation(call(5), mine.call.operation_id, receipt(location="store-2"))
    assert refused(kept, elsewhere) == {"code": "till_mismatch", "at": "/receipt/location", "location": "store-1"}
    foreign_number = ConfirmReservation(
        call(6, location="store-1"), mine.call.operation_id, receipt(location="store-2")
    )
    assert refused(kept, foreign_number)["at"] == "/receipt/location"
    other_till = ConfirmReservation(call(6, location="store-1", till="2"), mine.call.operation_id, receipt())
    assert refused(kept, other_till)["at"] == "/receipt/till"
    kept.accept(ConfirmReservation(call(7, location="store-1", till="1"), mine.call.operation_id, receipt()), NOW)
    prying = ConfirmReservation(call(8, location="store-2"), mine.call.operation_id, receipt())
    assert refused(kept, prying)["code"] == "till_mismatch"


def test_a_placed_order_and_a_confirmed_one_are_alike() -> None:
    ordered, reserved = store(500), store(500)
    ordered.accept(place(CUP_OF_TEA, COFFEE_TOO, n=2, pay=None), NOW)
    reserved.accept(reserve(CUP_OF_TEA, COFFEE_TOO, n=1, pay=None), NOW)
    reserved.accept(confirm(2, 1), NOW)

    before, after = ordered.members[MEMBER], reserved.members[MEMBER]
    assert (before.balances, before.counters, before.orders, before.spend) == (
        after.balances,
        after.counters,
        after.orders,
        after.spend,
    )
    assert ordered.shared == reserved.shared
    row, other = (kept.orders[call(2).operation_id].row for kept in (ordered, reserved))
    assert (row.order, row.payment, row.earned, row.promoted) == (
        other.order,
        other.payment,
        other.earned,
        other.promoted,
    )
