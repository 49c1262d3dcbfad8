"""Redemptions and adjustments."""

from dataclasses import replace
from uuid import UUID

import pytest

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import LotUse
from tests.core.engine_cases import (
    EARLIER,
    LOT,
    MEMBER,
    NOW,
    accept,
    after,
    call,
    known_redemption,
    lot,
    member,
    moves,
    redeem,
    with_member,
)

OLDER = UUID("01900000-0000-7000-8000-00000000000e")


def remaining(changes: Changes) -> dict[UUID, int]:
    """Return what is left of the lots that changed; the member is shown with all of them."""
    assert changes.entries is not None
    left = {lot_id: lot.remaining for lot_id, lot in changes.entries.lots_changed.items()}
    assert {lot.id: lot.remaining for lot in after(changes).lots} == left
    return left


def test_a_redemption_takes_the_oldest_points_and_says_what_they_are_worth() -> None:
    lots = (lot(100), lot(50, OLDER, days_ago=20))

    changes = accept(redeem(80), with_member(replace(member(150), lots=lots)))

    assert changes.entries is not None
    assert changes.entries.uses == (LotUse(OLDER, 50), LotUse(LOT, 30))
    assert (changes.answer["points"], changes.answer["amount"]) == (80, 80)
    assert after(changes).balances == {"points": Balance(available=70)}
    assert remaining(changes) == {LOT: 70, OLDER: 0}


def test_everything_can_be_spent() -> None:
    changes = accept(redeem(100), with_member(member(100)))

    assert after(changes).balances == {"points": Balance()}
    assert remaining(changes) == {LOT: 0}


@pytest.mark.parametrize("status", ["active", "blocked"])
def test_a_redemption_taken_back_goes_to_the_lots_it_came_from(status: str) -> None:
    state = member(70, status=status)
    spent = known_redemption(LotUse(OLDER, 50), LotUse(LOT, 30))
    facts = with_member(replace(state, lots=(lot(70, amount=100), lot(0, OLDER, amount=50))), redemption=spent)

    changes = accept(CancelRedemption(call(), EARLIER, "changed_mind"), facts)

    assert moves(changes) == [("points", "redeemed", "available", 80)]
    assert changes.entries is not None
    assert remaining(changes) == {LOT: 100, OLDER: 50}
    assert changes.operation.reverses == EARLIER
    assert (changes.answer["points_restored"], changes.answer["reason"]) == (80, "changed_mind")
    assert after(changes).balances == {"points": Balance(available=150)}


def test_points_that_come_back_pay_a_debt_first() -> None:
    facts = with_member(
        replace(member(0, debt=20), lots=(lot(0, amount=50),)), redemption=known_redemption(LotUse(LOT, 50))
    )

    changes = accept(CancelRedemption(call(), EARLIER, "error"), facts)

    assert moves(changes) == [("points", "redeemed", "available", 50), ("points", "available", "debt", 20)]
    assert after(changes).balances == {"points": Balance(available=30)}


@pytest.mark.parametrize("status", ["active", "blocked"])
def test_an_adjustment_adds_points_by_hand(status: str) -> None:
    request = Adjust(call(), MEMBER, "stamps", 3, "goodwill", note="Rang at noon")

    changes = accept(request, with_member(member(status=status)))

    assert moves(changes) == [("stamps", "adjusted", "available", 3)]
    assert changes.note == "Rang at noon"
    assert "Rang" not in str(changes.answer)
    assert changes.entries is not None
    assert (changes.entries.lots[0].cost_micros, changes.entries.lots[0].earned_at) == (0, NOW)


def test_an_adjustment_takes_points_by_hand() -> None:
    changes = accept(Adjust(call(), MEMBER, "points", -30, "error"), with_member(member(100)))

    assert moves(changes) == [("points", "available", "adjusted", 30)]
    assert after(changes).balances == {"points": Balance(available=70)}


def test_what_an_adjustment_cannot_take_is_owed_on_request() -> None:
    changes = accept(Adjust(call(), MEMBER, "points", -130, "fraud", if_short="debt"), with_member(member(100)))

    assert moves(changes) == [("points", "available", "adjusted", 100), ("points", "debt", "adjusted", 30)]
    assert after(changes).balances == {"points": Balance(debt=30)}


def test_a_debt_grows_where_nothing_is_left() -> None:
    changes = accept(Adjust(call(), MEMBER, "points", -5, "fraud", if_short="debt"), with_member(member(0, debt=30)))

    assert moves(changes) == [("points", "debt", "adjusted", 5)]
    assert after(changes).balances == {"points": Balance(debt=35)}


def test_points_given_by_hand_pay_a_debt_first() -> None:
    changes = accept(Adjust(call(), MEMBER, "points", 50, "goodwill"), with_member(member(0, debt=30)))

    assert after(changes).balances == {"points": Balance(available=20)}
