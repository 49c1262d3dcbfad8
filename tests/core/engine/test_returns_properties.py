"""Any split and any order of returns ends where one return of the same goods would have ended, to the point and the cent."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.order import Line, Order
from tests.core.earning.drawn import ORDERS
from tests.core.engine.drawn_returns import (
    OLD_LOTS,
    Json,
    OldLot,
    Piece,
    Story,
    arranged,
    confirmed_pieces,
    member_with,
    programs,
    returned_pieces,
)
from tests.core.orders import order

PAYMENTS = st.none() | st.builds(Payment, st.just("points"), st.none() | st.integers(1, 30).map(lambda n: 3 * n))
PAUSES = st.sampled_from([timedelta(), timedelta(days=1), timedelta(days=3), timedelta(days=40), timedelta(days=400)])
REDEEMS = st.lists(st.integers(1, 40), max_size=2)


@settings(deadline=None)
@given(st.data(), programs(), OLD_LOTS, ORDERS, PAYMENTS, PAUSES, REDEEMS)
def test_it_does_not_matter_how_returns_are_split(
    data: st.DataObject,
    program: Json,
    lots: list[OldLot],
    order: Order,
    payment: Payment | None,
    pause: timedelta,
    redeems: list[int],
) -> None:
    member = member_with(lots)
    pieces = data.draw(returned_pieces(order))
    one = Story.begin(program, member, order, payment).then(pause, redeems).bring([pieces])

    many = Story.begin(program, member, order, payment).then(pause, redeems)
    many.bring(data.draw(arranged(pieces)), flips=data.draw(st.booleans()))

    assert many.state == one.state
    assert many.standing == one.standing


def test_points_that_were_owed_do_not_take_the_room_of_those_that_were_taken() -> None:
    """Fifty points at once and fifty that wait, three spent; of three things one is kept, by way of two: all comes again."""
    program: Json = {
        "version": 1,
        "program": {"name": "D", "currency": "EUR", "time_zone": "UTC"},
        "wallets": [{"key": "points", "unit": "points", "redeem": {"points": 3, "amount": 2, "step": 3}}],
        "earning_rules": [
            {
                "key": "double",
                "wallet": "points",
                "earn": {"kind": "multiply", "factor": 2},
                "activation": {"kind": "after", "length": {"days": 2}},
            },
            {
                "key": "odd",
                "wallet": "points",
                "when": {"fact": "order.lines", "in": [1, 3]},
                "earn": {"kind": "fixed", "points": 50},
            },
        ],
    }
    bought = order(Line("0", 0, 0), Line("1", 0, SCALE), Line("2", 0, 0))
    pieces: list[Piece] = [("line", ("1", SCALE)), ("line", ("2", 0))]

    left = [
        Story.begin(program, member_with([]), bought, None).then(timedelta(0), [1]).bring(returns).standing["balances"]
        for returns in ([pieces], [[piece] for piece in pieces])
    ]

    assert left == [{"points": Balance(available=47, pending=50)}] * 2


@settings(deadline=None)
@given(st.data(), programs(), OLD_LOTS, ORDERS, PAYMENTS, PAUSES, REDEEMS)
def test_it_does_not_matter_whether_goods_are_confirmed_before_they_come_back(
    data: st.DataObject,
    program: Json,
    lots: list[OldLot],
    order: Order,
    payment: Payment | None,
    pause: timedelta,
    redeems: list[int],
) -> None:
    member = member_with(lots)
    back, confirmed = data.draw(returned_pieces(order)), data.draw(confirmed_pieces(order))
    first = data.draw(st.sampled_from([[back, confirmed], [confirmed, back]]))
    one = Story.begin(program, member, order, payment).then(pause, redeems).bring(first)

    many = Story.begin(program, member, order, payment).then(pause, redeems)
    many.bring(data.draw(arranged([*back, *confirmed])))

    assert many.state == one.state
    assert many.standing == one.standing


@settings(deadline=None)
@given(st.data(), programs(), OLD_LOTS, ORDERS, PAYMENTS)
def test_an_order_that_came_back_whole_might_never_have_been(
    data: st.DataObject, program: Json, lots: list[OldLot], order: Order, payment: Payment | None
) -> None:
    """Where nothing was spent and no time passed; only when the member first and last bought is not known any more."""
    before = Story.begin(program, member_with(lots), order, None, places=False)
    pieces = data.draw(returned_pieces(order, everything=True))

    after = Story.begin(program, member_with(lots), order, payment)
    after.bring(data.draw(arranged([*pieces, *data.draw(confirmed_pieces(order))])))

    assert after.standing == before.standing
    assert after.state.refunded + after.worth == order.goods_total + order.shipping
    assert (after.state.is_gone, after.state.restored) == (True, after.paid.points)


@settings(deadline=None)
@given(st.data(), programs(), OLD_LOTS, ORDERS, PAYMENTS, PAUSES, REDEEMS)
def test_nobody_gains_by_returning(
    data: st.DataObject,
    program: Json,
    lots: list[OldLot],
    order: Order,
    payment: Payment | None,
    pause: timedelta,
    redeems: list[int],
) -> None:
    """Refunds never exceed what was paid, and fewer goods never earn more than all of them did."""
    story = Story.begin(program, member_with(lots), order, payment).then(pause, redeems)
    total = order.goods_total + order.shipping
    back, was, was_expired = 0, story.wealth, story.expired

    for pieces in data.draw(arranged(data.draw(returned_pieces(order)))):
        story.bring([pieces])
        answer = story.answers[-1]
        state, worth = story.state, story.worth
        assert 0 <= state.refunded + worth <= total
        assert answer["value"] == state.refunded + worth - back
        assert answer["left"] == total - state.refunded - worth
        assert 0 <= worth <= story.paid.amount
        assert sum(line["refund"] for line in answer["lines"]) <= answer["refund"]
        restored = answer["restored"]["points"] if answer["restored"] else 0
        assert sum(line["points_restored"] for line in answer["lines"]) <= restored
        back = state.refunded + worth
    assert all(story.kept[wallet] <= points for wallet, points in story.earned.items())
    for wallet, points in was.items():
        lost = story.earned.get(wallet, 0) - story.kept.get(wallet, 0)
        gained = story.state.restored if wallet == story.paid.wallet else 0
        spared = was_expired.get(wallet, 0)
        assert points + gained - lost <= story.wealth[wallet] <= points + gained - lost + spared
