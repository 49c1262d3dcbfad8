"""Any split and any order of returns ends where one return of the same goods would have ended, to the point and the cent."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.requests import Payment
from loyalty_engine.core.rules.order import Order
from tests.core.earning.drawn import ORDERS
from tests.core.engine.drawn_returns import (
    OLD_LOTS,
    Json,
    OldLot,
    Story,
    arranged,
    member_with,
    programs,
    returned_pieces,
)

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
