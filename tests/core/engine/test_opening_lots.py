"""Points that a member brings along: they keep their age, their expiry, their cost and who pays for them."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import KnownOperation
from loyalty_engine.core.engine.requests import OpenLots, ReverseOperation
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.opening import OpeningLot
from tests.core.engine_cases import (
    EARLIER,
    MEMBER,
    NOW,
    accept,
    after,
    call,
    member,
    moves,
    refuse,
    ruleset_of,
    with_member,
)

DAY = timedelta(days=1)
LASTING = [
    {
        "key": "points",
        "unit": "points",
        "redeem": {"points": 100, "amount": 50},
        "activation": {"kind": "after", "length": {"days": 7}},
        "expiry": {"kind": "after", "length": {"days": 30}},
    },
    {"key": "cashback", "unit": "money", "redeem": {}, "expiry": {"kind": "sliding", "length": {"days": 10}}},
    {"key": "stamps", "unit": "points"},
]


def bring(*lots: OpeningLot) -> OpenLots:
    return OpenLots(call(), MEMBER, lots)


def test_brought_points_come_from_the_opening_account_and_can_be_spent_at_once() -> None:
    lasting = ruleset_of(wallets=LASTING)
    request = bring(OpeningLot("points", 70, NOW - 3 * DAY), OpeningLot("stamps", 4))

    changes = accept(request, with_member(member(sees_lots=True)), rules=lasting)

    assert moves(changes) == [("points", "opening", "available", 70), ("stamps", "opening", "available", 4)]
    assert changes.entries is not None
    points, stamps = changes.entries.lots
    assert (points.earned_at, points.available_at, points.expires_at) == (
        NOW - 3 * DAY,
        NOW - 3 * DAY,
        datetime(2026, 6, 28, 12, tzinfo=UTC),
    )
    assert (points.funder, points.cost_micros) == ("program", 500_000)
    assert (stamps.earned_at, stamps.expires_at, stamps.cost_micros) == (NOW, None, 0)
    assert (after(changes).balances["points"].available, after(changes).balances["stamps"].available) == (70, 4)


def test_what_the_file_says_of_a_lot_is_kept() -> None:
    ends = NOW + 5 * DAY
    request = bring(OpeningLot("points", 70, NOW - DAY, ends, 123, "partner-7"))

    changes = accept(request, with_member(member()), rules=ruleset_of(wallets=LASTING))

    assert changes.entries is not None
    [lot] = changes.entries.lots
    assert (lot.expires_at, lot.cost_micros, lot.funder) == (ends, 123, "partner-7")
    assert after(changes).due_at == ends


def test_a_debt_is_paid_first() -> None:
    changes = accept(bring(OpeningLot("points", 70)), with_member(member(debt=20)))

    assert moves(changes) == [("points", "opening", "available", 70), ("points", "available", "debt", 20)]
    assert after(changes).balances["points"].available == 50


@pytest.mark.parametrize(("wallet", "days"), [("points", 30), ("cashback", 10)])
def test_points_that_the_wallet_would_have_let_expire_are_refused(wallet: str, days: int) -> None:
    lasting = ruleset_of(wallets=LASTING)
    facts = with_member(member(sees_lots=True))

    refusal = refuse(bring(OpeningLot(wallet, 5, NOW - days * DAY)), facts, rules=lasting)
    changes = accept(bring(OpeningLot(wallet, 5, NOW - days * DAY + DAY)), facts, rules=lasting)

    assert (refusal.code, refusal.pointer) == ("expiry_in_past", "/lots/0/expires_at")
    assert after(changes).balances[wallet].available == 5


def test_what_was_brought_can_be_taken_back() -> None:
    brought = accept(bring(OpeningLot("points", 70)), with_member(member(sees_lots=True)))
    assert brought.entries is not None
    known = KnownOperation(
        id=brought.operation.id,
        kind="opening",
        member_id=MEMBER,
        other_member_id=None,
        reversed_by=None,
        postings=brought.entries.postings,
        uses=(),
        own=tuple(lot.id for lot in brought.entries.lots),
    )

    changes = accept(ReverseOperation(call(1), EARLIER, "wrong_file"), with_member(after(brought), reversed=known))

    assert moves(changes) == [("points", "available", "opening", 70)]
    assert after(changes).balances["points"].available == 0


def test_the_same_lots_in_the_same_request_are_two_lots() -> None:
    decision = decide(ruleset_of(), with_member(member()), bring(OpeningLot("points", 5), OpeningLot("points", 5)), NOW)

    assert isinstance(decision, Accepted)
    assert [lot["points"] for lot in decision.changes.answer["lots"]] == [5, 5]
    assert decision.changes.operation.id == call().operation_id
    assert decision.changes.entries is not None
    assert decision.changes.entries.lots[0].id == nth(call().operation_id, 1)
