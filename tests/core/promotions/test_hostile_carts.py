"""Carts and promotions that nobody means to send: they end soon, and come out right to the cent."""

from datetime import UTC

import pytest

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.promotions.matching import pack
from loyalty_engine.core.promotions.nudges import find_nudges
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import COFFEE, JUICE, NOW, Json, cart, play, promotions, total_of

MILLION = 1_000_000
THREE_FOR_TWO = {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "percent_off", "percent": "50%"},
        {"kind": "percent_off", "percent": "50%", "units": {"cheapest": 1}},
        {"kind": "amount_off", "amount": 5, "each": "line"},
        {"kind": "amount_off", "amount": 5, "each": "unit"},
        {"kind": "unit_price", "price": 0},
        {"kind": "total_price", "price": 0},
        {"kind": "stepped", "steps": [{"at_least": 1, "percent": "10%"}]},
        {"kind": "bundle", "parts": [{}], "price": 0},
        THREE_FOR_TWO,
        {"kind": "shipping_off"},
    ],
)
def test_lines_that_cost_nothing_or_have_no_quantity_get_nothing(effect: Json) -> None:
    promoted = play(promotions(effect), cart((0, 1), (0, 0), (0, 5)))

    assert promoted.applied == ()
    assert [one.code for one in promoted.refused] == ["nothing_to_discount"]
    assert total_of(promoted) == 0


def test_one_cent_over_161_lines_goes_to_one_line() -> None:
    lines = [(100 + n, 1) for n in range(161)]
    promoted = play(promotions({"kind": "amount_off", "amount": 1}), cart(*lines))

    assert promoted.applied[0].lines == {"160": 1}


def test_a_share_over_161_lines_is_rounded_once() -> None:
    promoted = play(promotions({"kind": "percent_off", "percent": "15%"}), cart(*[(3, 1, f"c{n}") for n in range(161)]))

    assert promoted.applied[0].value == 72  # 15% of 483 is 72.45; by line it would have been nothing
    assert sorted(promoted.applied[0].lines.values()) == [1] * 72


def test_a_budget_that_is_smaller_than_one_discount_gives_nothing_or_what_there_is() -> None:
    effect = {"kind": "amount_off", "amount": 500}
    whole, partial = (
        play(promotions({"key": "p", "effect": effect, "limits": [{"per": "program", "amount": 7, **more}]}), order)
        for order in [cart((1000, 1))]
        for more in ({}, {"partial": True})
    )

    assert [(one.code, one.wanted) for one in whole.refused] == [("limit_reached", 500)]
    assert partial.applied[0].value == 7


def test_millions_of_units_are_never_counted_one_by_one() -> None:
    order = cart((10**12, MILLION, "coffee"), (7 * 10**8, MILLION * 900, "juice"))
    effects: list[Json] = [
        THREE_FOR_TWO,
        {"kind": "percent_off", "percent": "1%", "units": {"every": 2}},
        {"kind": "bundle", "parts": [{"of": COFFEE}, {"of": JUICE, "quantity": 7}], "percent": "10%"},
    ]
    promoted = play(promotions(*effects, choose="best"), order)

    # A million bundles: all of the coffee, and seven million units of juice of those that cost a cent.
    assert [(one.promotion.key, one.value) for one in promoted.applied] == [("p2", 100_000_700_000)]
    assert [(one.promotion.key, one.wanted) for one in promoted.refused] == [("p0", 100_333_333), ("p1", 2_505_000)]


@pytest.mark.parametrize("lines", [500, 1000])
def test_bundles_of_twenty_parts_over_many_lines_end(lines: int) -> None:
    goods = [(100 + n, 1 + n % 3, f"c{n % 40}") for n in range(lines)]
    parts = [{"of": {"category": [f"c{(part * 7 + n) % 40}" for n in range(20)]}} for part in range(20)]
    promoted = play(promotions({"kind": "bundle", "parts": parts, "percent": "10%"}), cart(*goods))

    assert (
        sum(piece.units for piece in promoted.cart.slices() if piece.is_bound) == sum(n for _, n, _ in goods) // 20 * 20
    )


def test_parts_that_all_want_the_same_scarce_goods_end() -> None:
    scarce = frozenset(range(20))

    assert pack([1] * 20, [(scarce, 19), (frozenset({0}), MILLION)], None) == (1, [19, 1])
    assert pack([1] * 20, [(scarce, 18), (frozenset({0}), MILLION)], None) == (0, [0, 0])


def test_promotions_that_undo_each_other_end() -> None:
    groups = tuple({"key": f"g{n}", "choose": "best", "group": f"g{n + 1}"} for n in range(199))
    last = {"key": "g199", "choose": "first"}
    entries = [
        {"key": f"p{n}", "effect": {"kind": "amount_off", "amount": n + 1}, "group": f"g{n}"} for n in range(200)
    ]
    promoted = play(promotions(*entries, groups=(*groups, last)), cart((1000, 1)))

    assert [(one.promotion.key, one.value) for one in promoted.applied] == [("p198", 199)]
    assert {one.code for one in promoted.refused} == {"outdone"}
    assert len(promoted.refused) == 199


def test_a_thousand_lines_get_a_hundred_promotions() -> None:
    lines = tuple(Line(str(n), 1_000 + n, SCALE * (1 + n % 4), sku=f"s{n}", category=f"c{n % 50}") for n in range(1000))
    order = Order(ShopOrder("1"), NOW, "EUR", lines)
    kinds: list[Json] = [
        {"kind": "percent_off", "percent": "1%"},
        {"kind": "percent_off", "percent": "1%", "units": {"every": 3}},
        {"kind": "amount_off", "amount": 1, "each": "line"},
        {**THREE_FOR_TWO, "repeat": 5, "percent": "10%"},
    ]
    promoted = play(promotions(*kinds * 25), order)

    assert len(promoted.applied) == 100
    assert total_of(promoted) == order.goods_total - sum(one.value for one in promoted.applied)


def test_no_nudges_are_worked_out_for_monstrous_carts() -> None:
    when = {"fact": "order.total", "at_least": 10**9}
    rules = promotions(
        *[{"key": f"p{n}", "when": when, "effect": {"kind": "amount_off", "amount": 1}} for n in range(300)]
    )
    for lines, told in ((3, 5), (500, 0)):
        order = cart(*[(1000 + n, 1, f"c{n}") for n in range(lines)])
        view, promoted = View(at=NOW, zone=UTC, order=order), play(rules, order)
        assert len(find_nudges(rules, promoted, view, Counted({}, {}))) == told
