"""Returns of orders that promotions made cheaper: however they are split, money, points and limits end at the same numbers."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.repricing import PricedOrder
from loyalty_engine.core.engine.requests import CancelOrder
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order
from tests.core.earning.drawn import ORDERS
from tests.core.engine.drawn_promotions import with_promotions
from tests.core.engine.drawn_returns import (
    OLD_LOTS,
    Json,
    OldLot,
    Story,
    arranged,
    confirmed_pieces,
    member_with,
    programs,
    returned_pieces,
)
from tests.core.engine.test_returns_properties import PAUSES, PAYMENTS, REDEEMS
from tests.core.engine_cases import call, line, order, ruleset

PROGRAMS = with_promotions(programs())


@settings(deadline=None)
@given(st.data(), PROGRAMS, OLD_LOTS, ORDERS, PAYMENTS, PAUSES, REDEEMS)
def test_it_does_not_matter_how_cheaper_goods_come_back(
    data: st.DataObject,
    program: Json,
    lots: list[OldLot],
    order: Order,
    payment: Payment | None,
    pause: timedelta,
    redeems: list[int],
) -> None:
    member = member_with(lots)
    begun = Story.begin(program, member, order, payment)
    pieces = data.draw(returned_pieces(begun.net))
    one = begun.then(pause, redeems).bring([pieces])

    many = Story.begin(program, member, order, payment).then(pause, redeems)
    many.bring(data.draw(arranged(pieces)), flips=data.draw(st.booleans()))

    assert many.state == one.state
    assert many.standing == one.standing


@settings(deadline=None)
@given(st.data(), PROGRAMS, OLD_LOTS, ORDERS, PAYMENTS)
def test_a_cheaper_order_that_came_back_whole_might_never_have_been(
    data: st.DataObject, program: Json, lots: list[OldLot], order: Order, payment: Payment | None
) -> None:
    """Discount, points that paid, points earned and limits: nothing of them is left."""
    before = Story.begin(program, member_with(lots), order, None, places=False)

    after = Story.begin(program, member_with(lots), order, payment)
    pieces = data.draw(returned_pieces(after.net, everything=True))
    after.bring(data.draw(arranged([*pieces, *data.draw(confirmed_pieces(order))])))

    assert after.standing == before.standing
    assert after.state.refunded + after.worth == after.net.total
    assert (after.state.is_gone, after.state.restored) == (True, after.paid.points)


@settings(deadline=None)
@given(st.data(), PROGRAMS, OLD_LOTS, ORDERS, PAYMENTS)
def test_a_cancel_gives_everything_back(
    data: st.DataObject, program: Json, lots: list[OldLot], order: Order, payment: Payment | None
) -> None:
    before = Story.begin(program, member_with(lots), order, None, places=False)

    after = Story.begin(program, member_with(lots), order, payment)
    after.bring(data.draw(arranged(data.draw(returned_pieces(after.net)))))
    if not after.state.is_gone:
        after.store.accept(CancelOrder(call(9000), after.order_id, "not_paid"), after.now)
        assert after.state.refunded + after.worth == after.net.total
        assert after.standing == before.standing


@settings(deadline=None)
@given(st.data(), PROGRAMS, OLD_LOTS, ORDERS, PAYMENTS, PAUSES, REDEEMS)
def test_nobody_gains_by_returning_cheaper_goods(
    data: st.DataObject,
    program: Json,
    lots: list[OldLot],
    order: Order,
    payment: Payment | None,
    pause: timedelta,
    redeems: list[int],
) -> None:
    """Never more comes back than was paid, quotes add up, and no limit holds more than it did."""
    story = Story.begin(program, member_with(lots), order, payment).then(pause, redeems)
    total, held = story.net.total, story.used
    back = money = 0

    for pieces in data.draw(arranged(data.draw(returned_pieces(story.net)))):
        story.bring([pieces])
        answer = story.answers[-1]
        state, worth = story.state, story.worth
        assert 0 <= state.refunded <= total
        assert 0 <= state.refunded + worth <= total
        assert 0 <= worth <= story.paid.amount
        assert answer["value"] == state.refunded + worth - back
        assert answer["refund"] - answer["collect"] == state.refunded - money
        assert min(answer["refund"], answer["collect"]) == 0
        assert answer["left"] == total - state.refunded - worth
        assert 0 <= sum(line["refund"] for line in answer["lines"]) <= answer["refund"]
        assert all(0 <= used <= held[name] for name, used in story.used.items())
        back, money = state.refunded + worth, state.refunded
    assert all(story.kept[wallet] <= points for wallet, points in story.earned.items())


@settings(deadline=None)
@given(PROGRAMS, OLD_LOTS, ORDERS, PAYMENTS)
def test_played_again_promotions_give_what_they_gave(
    program: Json, lots: list[OldLot], order: Order, payment: Payment | None
) -> None:
    story = Story.begin(program, member_with(lots), order, payment)
    promoted = story.store.orders[story.order_id].promoted

    assert PricedOrder(story.store.ruleset, story.net, promoted).play(story.net) == promoted


def test_what_other_rules_priced_comes_back_in_proportion() -> None:
    """A guest's order that was edited may be claimed under rules that never knew its promotions."""
    kept = order(line(900, off=100), line(1800, id="2", off=200))
    priced = PricedOrder(ruleset(), kept, (PromotionMemory("ten", {"1": 100, "2": 200}),))
    state = OrderState(lines={"1": SCALE})

    assert priced.price(state, "recomputed") == state
    assert priced.given(state) == (PromotionMemory("ten", {"2": 200}),)
    assert priced.uses(state) == {}
