"""What carts get: properties that hold for every set of promotions, and the arithmetic of each kind by example."""

from dataclasses import replace
from datetime import UTC
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.promotions.evaluation import promote_again
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import (
    CHOOSE,
    COFFEE,
    ENTRIES,
    JUICE,
    LINES,
    NOW,
    Json,
    built,
    cart,
    left_of,
    play,
    promotions,
    total_of,
)


@pytest.mark.parametrize(
    ("effect", "order", "left", "total"),
    [
        ({"kind": "percent_off", "percent": "10%"}, cart((1000, 1), (500, 1)), [900, 450], 1350),
        ({"kind": "percent_off", "percent": "10%"}, cart((5, 1), (5, 1)), [4, 5], 9),
        (
            {"kind": "percent_off", "percent": "50%", "units": {"cheapest": 1}},
            cart((900, 3), (400, 1)),
            [750, 400],
            1150,
        ),
        ({"kind": "percent_off", "percent": "50%", "units": {"dearest": 1}}, cart((900, 1), (400, 2)), [450, 400], 850),
        ({"kind": "percent_off", "percent": "100%", "units": {"every": 3}}, cart((900, 3), (400, 4)), [900, 200], 1100),
        ({"kind": "amount_off", "amount": 500}, cart((1000, 1), (1000, 1)), [750, 750], 1500),
        ({"kind": "amount_off", "amount": 5000}, cart((1000, 1), (1000, 1)), [0, 0], 0),
        ({"kind": "amount_off", "amount": 300, "each": "line"}, cart((1000, 1), (200, 1)), [700, 0], 700),
        ({"kind": "amount_off", "amount": 300, "each": "unit"}, cart((1000, 2), (200, 1)), [400, 0], 400),
        ({"kind": "unit_price", "price": 199}, cart((900, 3), (100, 1)), [597, 100], 697),
        ({"kind": "total_price", "price": 1000}, cart((900, 3), (600, 1)), [600, 400], 1000),
        ({"kind": "total_price", "price": 9999}, cart((900, 3)), [900], 900),
        ({"kind": "shipping_off"}, cart((900, 3), shipping=490), [900], 900),
        ({"kind": "shipping_off", "amount": 300}, cart((900, 3), shipping=490), [900], 1090),
        (
            {"kind": "stepped", "steps": [{"at_least": 500, "percent": "10%"}, {"at_least": 1000, "percent": "20%"}]},
            cart((1000, 1)),
            [800],
            800,
        ),
        (
            {"kind": "stepped", "steps": [{"at_least": 500, "percent": "10%"}, {"at_least": 1000, "percent": "20%"}]},
            cart((999, 1)),
            [899],
            899,
        ),
        ({"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}, cart((900, 3)), [600], 600),
        (
            {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}},
            cart((500, 1), (400, 1), (300, 1)),
            [500, 400, 0],
            900,
        ),
        (
            {
                "kind": "buy_get",
                "buy": {"of": COFFEE, "quantity": 1},
                "get": {"of": JUICE, "quantity": 1},
                "percent": "50%",
            },
            cart((800, 2, "coffee"), (300, 3, "juice")),
            [800, 200],
            1000,
        ),
        (
            {"kind": "bundle", "parts": [{"of": COFFEE}, {"of": JUICE}], "price": 400},
            cart((600, 2, "coffee"), (200, 1, "juice")),
            [600 - 75, 125 + 50],
            700,
        ),
        ({"kind": "gift", "sku": "s()", "quantity": 1}, cart((900, 3)), [600], 600),
    ],
)
def test_each_kind_takes_what_it_says(effect: Json, order: Order, left: list[int], total: int) -> None:
    promoted = play(promotions(effect), order)

    assert total_of(promoted) == total
    if effect["kind"] != "bundle":
        assert [left_of(promoted)[line.id] for line in order.lines] == left
    assert sum(one.value for one in promoted.applied) == order.goods_total + order.shipping - total


@settings(deadline=None)
@given(
    st.lists(ENTRIES, min_size=1, max_size=5),
    LINES,
    st.integers(0, 600),
    CHOOSE,
    CHOOSE,
    st.randoms(use_true_random=False),
)
def test_what_is_left_adds_up_and_the_order_of_lines_does_not_matter(
    entries: list[Json], lines: list[tuple[int, int, str]], shipping: int, choose: str, inner: str, dice: Random
) -> None:
    rules, order = built(entries, choose, inner), cart(*lines, shipping=shipping)
    promoted = play(rules, order)

    assert all(amount >= 0 for amount in promoted.cart.amounts)
    assert 0 <= promoted.cart.shipping <= shipping
    saved = sum(one.value for one in promoted.applied)
    assert total_of(promoted) == order.goods_total + shipping - saved
    for line in order.lines:
        assert left_of(promoted)[line.id] == line.amount - sum(one.lines.get(line.id, 0) for one in promoted.applied)
    for one in promoted.applied:
        assert one.value <= (one.promotion.at_most or one.value)

    mixed = list(order.lines)
    dice.shuffle(mixed)
    again = play(rules, Order(order.reference, NOW, "EUR", tuple(mixed), shipping=shipping))
    assert left_of(again) == left_of(promoted)
    assert [(one.promotion.key, one.value) for one in again.applied] == [
        (one.promotion.key, one.value) for one in promoted.applied
    ]


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=5), LINES, st.integers(0, 600))
def test_the_best_deal_is_never_worse_than_any_single_one(
    entries: list[Json], lines: list[tuple[int, int, str]], shipping: int
) -> None:
    order = cart(*lines, shipping=shipping)
    plain = [{key: value for key, value in entry.items() if key != "group"} for entry in entries]
    best = total_of(play(built(plain, "best", "all"), order))

    assert all(best <= total_of(play(built([one], "all", "all"), order)) for one in plain)


def test_limits_hold_and_budgets_are_cut_or_refused() -> None:
    order = cart((1000, 1))
    base = {"key": "p", "effect": {"kind": "amount_off", "amount": 500}}

    def limited(**limit: object) -> Promotions:
        return promotions({**base, "limits": [limit]})

    once = limited(per="member", times=1)
    assert total_of(play(once, order)) == 500
    assert play(once, order, **{"promotion/p/times/member/lifetime/": 1}).refused[0].code == "limit_reached"
    budget, cut = limited(per="program", amount=800), limited(per="program", amount=800, partial=True)
    assert play(budget, order).uses[0][1:] == (500, 800, True)
    used = {"promotion/p/amount/program/lifetime/": 500}
    assert total_of(play(budget, order, **used)) == 1000
    assert total_of(play(cut, order, **used)) == 700


def test_what_plays_by_priority_is_told_in_the_order_of_the_document() -> None:
    late, early = {"kind": "percent_off", "percent": "50%"}, {"kind": "amount_off", "amount": 200}
    closed = {"kind": "unit_price", "price": 2000}
    rules = promotions(
        {"key": "late", "effect": late},
        {"key": "never", "effect": closed},
        {"key": "early", "effect": early, "priority": 5},
        {"key": "never_either", "effect": closed, "priority": 5},
    )
    promoted = play(rules, cart((1000, 1)))

    assert [(one.promotion.key, one.value) for one in promoted.applied] == [("late", 400), ("early", 200)]
    assert [one.promotion.key for one in promoted.refused] == ["never", "never_either"]


def test_a_promotion_gives_no_more_for_what_is_kept_though_another_one_is_gone() -> None:
    first = {"kind": "amount_off", "amount": 300}
    rules = promotions(
        {"key": "first", "effect": first, "when": {"lines": COFFEE, "count": {"at_least": 1}}},
        {"key": "half", "effect": {"kind": "percent_off", "percent": "50%"}},
    )
    whole = cart((200, 1, "coffee"), (400, 1, "juice"))
    kept = replace(whole, lines=whole.lines[1:])
    memory = play(rules, whole).memory

    again = promote_again(rules, kept, View(at=NOW, zone=UTC, order=kept), memory)

    assert [(one.promotion, one.value) for one in memory] == [("first", 300), ("half", 150)]
    assert [(one.promotion, one.value) for one in again] == [("half", 150)]
