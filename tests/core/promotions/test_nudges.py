"""Nudges: what would help by itself is told, nearest first; what would not is not."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.promotions.evaluation import promote
from loyalty_engine.core.promotions.nudges import find_nudges
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Line, Order
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import (
    CHOOSE,
    COFFEE,
    ENTRIES,
    JUICE,
    LINES,
    MEMBER,
    NOW,
    Json,
    built,
    cart,
    play,
    promotions,
)

FREE_DELIVERY = {"kind": "shipping_off"}
TENTH = {"kind": "percent_off", "percent": "10%"}
TOTAL_OF_50 = {"fact": "order.total", "at_least": 5000}
TWO_COFFEES = {"lines": COFFEE, "quantity": {"at_least": 2}}
CART = cart((4000, 1, "coffee"), (680, 2, "juice"), shipping=490)


def offer(when: Json | None = None, effect: Json | None = None, **fields: Any) -> Json:  # noqa: ANN401 - of a promotion
    return {"key": "offer", "effect": effect or TENTH, **({"when": when} if when else {}), **fields}


def nudges(rules: Promotions, order: Order, *, used: dict[str, int] | None = None) -> list[Json]:
    view, counters = View(at=NOW, zone=UTC, order=order, member=MEMBER), Counted(used or {}, used or {})
    promoted = promote(rules, order, view, counters)
    return [nudge.as_json() for nudge in find_nudges(rules, promoted, view, counters)]


def brief(rules: Promotions, order: Order) -> list[tuple[object, ...]]:
    return [
        (nudge["measure"], nudge.get("lines"), nudge["needed"], nudge["actual"], nudge["missing"])
        for nudge in nudges(rules, order)
    ]


def test_free_delivery_is_so_much_away() -> None:
    rules = promotions(offer(TOTAL_OF_50, FREE_DELIVERY, name="Free delivery"))

    assert nudges(rules, CART) == [
        {
            "promotion": "offer",
            "name": "Free delivery",
            "measure": "amount",
            "needed": 5000,
            "actual": 4680,
            "missing": 320,
            "effect": {"kind": "shipping_off"},
        }
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (TWO_COFFEES, ("quantity", COFFEE, "2", "1", "1")),
        ({"lines": JUICE, "quantity": {"more_than": "2.5"}}, ("quantity", JUICE, "2.500001", "2", "0.500001")),
        ({"lines": COFFEE, "amount": {"at_least": 4500}}, ("amount", COFFEE, 4500, 4000, 500)),
        ({"lines": JUICE, "count": {"at_least": 3}}, ("count", JUICE, 3, 1, 2)),
        ({"fact": "order.lines", "at_least": 3}, ("count", None, 3, 2, 1)),
        ({"all": [{"fact": "order.currency", "is": "EUR"}, TOTAL_OF_50]}, ("amount", None, 5000, 4680, 320)),
        ({"all": [TOTAL_OF_50, {"not": {"fact": "order.total", "at_least": 5001}}]}, ("amount", None, 5000, 4680, 320)),
        ({"any": [TWO_COFFEES, TOTAL_OF_50]}, ("amount", None, 5000, 4680, 320)),
        (
            {"any": [{"fact": "order.channel", "is": "web"}, {"any": [TWO_COFFEES]}]},
            ("quantity", COFFEE, "2", "1", "1"),
        ),
    ],
)
def test_a_condition_that_lacks_one_thing_says_what(when: Json, expected: tuple[object, ...]) -> None:
    assert brief(promotions(offer(when)), CART) == [expected]


@pytest.mark.parametrize(
    "when",
    [
        {"all": [TOTAL_OF_50, {"fact": "order.channel", "is": "web"}]},
        {"all": [TOTAL_OF_50, {"lines": COFFEE, "quantity": {"at_least": 3}}]},
        {"all": [TOTAL_OF_50, {"fact": "order.lines", "at_most": 2}]},
        {"fact": "order.total", "at_most": 1000},
        {"fact": "order.channel", "is": "web"},
        {"fact": "order.shipping", "at_least": 1000},
        {"fact": "member.orders", "at_least": 3},
        {"fact": "member.age", "at_least": 18},
        {"birthday": {}},
        {"history": {}, "spend": {"at_least": 1000}},
        {"not": {"lines": JUICE, "count": {"at_least": 1}}},
        {"fact": "order.lines", "at_least": 1_000},
    ],
)
def test_what_lacks_more_than_goods_is_no_nudge(when: Json) -> None:
    assert nudges(promotions(offer(when)), CART) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"window": {"starts_at": "2027-01-01"}},
        {"audience": "guests"},
        {"channels": ["web"]},
        {"opened_by": "code"},
        {"active": False},
        {"effect": FREE_DELIVERY, "group": "best"},
    ],
)
def test_what_a_fuller_cart_would_not_get_either_is_no_nudge(fields: Json) -> None:
    better = {"key": "better", "effect": {"kind": "amount_off", "amount": 2000}, "group": "best"}
    rules = promotions(offer(TOTAL_OF_50, **fields), better, groups=({"key": "best", "choose": "best"},))

    assert nudges(rules, CART) == []


def test_what_is_used_up_is_no_nudge() -> None:
    rules = promotions(offer(TOTAL_OF_50, limits=[{"per": "member", "times": 1}]))

    assert len(nudges(rules, CART)) == 1
    assert nudges(rules, CART, used={"promotion/offer/times/member/lifetime/": 1}) == []


THREE_FOR_TWO = {"kind": "buy_get", "buy": {"of": JUICE, "quantity": 2}, "get": {"quantity": 1}}
STEPS = {"kind": "stepped", "steps": [{"at_least": 1000, "percent": "5%"}, {"at_least": 5000, "percent": "10%"}]}
BREAKFAST = {"kind": "bundle", "parts": [{"of": COFFEE}, {"of": JUICE}], "percent": "10%"}
SAMPLE = {"kind": "gift", "sku": "sample", "per_amount": 3000}


@pytest.mark.parametrize(
    ("effect", "order", "expected"),
    [
        (STEPS, CART, [("amount", None, 5000, 4680, 320)]),
        (STEPS, cart((900, 1)), [("amount", None, 1000, 900, 100)]),
        (STEPS, cart((5000, 1)), []),
        (THREE_FOR_TWO, CART, [("quantity", JUICE, "3", "2", "1")]),
        (THREE_FOR_TWO, cart((680, 3, "juice")), []),
        (THREE_FOR_TWO, cart((680, 4, "juice")), [("quantity", JUICE, "6", "4", "2")]),
        ({**THREE_FOR_TWO, "repeat": 1}, cart((680, 4, "juice")), []),
        ({**THREE_FOR_TWO, "get": {"of": COFFEE}}, cart((680, 2, "juice")), [("quantity", COFFEE, "1", "0", "1")]),
        (BREAKFAST, cart((680, 1, "juice")), [("quantity", COFFEE, "1", "0", "1")]),
        (BREAKFAST, cart((680, 1, "coffee")), [("quantity", JUICE, "1", "0", "1")]),
        (BREAKFAST, CART, [("quantity", COFFEE, "2", "1", "1")]),
        ({**BREAKFAST, "repeat": 1}, CART, []),
        ({**BREAKFAST, "parts": [*BREAKFAST["parts"], {"of": {"category": ["tea"]}}]}, cart((680, 1, "coffee")), []),
        (SAMPLE, CART, [("amount", None, 6000, 4680, 1320)]),
        ({**SAMPLE, "most": 1}, CART, []),
        (
            {"kind": "gift", "sku": "sample", "per_quantity": "1.5", "of": JUICE},
            CART,
            [("quantity", JUICE, "3", "2", "1")],
        ),
        ({**SAMPLE, "per_quantity": "3"}, CART, []),
        ({**SAMPLE, "per_quantity": "4"}, CART, [("quantity", None, "4", "3", "1")]),
        (TENTH, CART, []),
    ],
)
def test_an_effect_says_what_would_give_more(effect: Json, order: Order, expected: list[tuple[object, ...]]) -> None:
    assert brief(promotions(offer(effect=effect)), order) == expected


def test_more_beyond_the_cap_is_no_nudge() -> None:
    assert brief(promotions(offer(effect=STEPS, at_most=100)), CART) == []
    assert brief(promotions(offer(effect=STEPS, at_most=400)), CART) == [("amount", None, 5000, 4680, 320)]


def test_the_nearest_five_are_told_nearest_first() -> None:
    entries = [offer({"fact": "order.total", "at_least": 11_000 - 1000 * n}, key=f"p{n}") for n in range(7)]

    assert [nudge["missing"] for nudge in nudges(promotions(*entries), CART)] == [320, 1320, 2320, 3320, 4320]


def test_a_promotion_with_several_ways_is_told_once() -> None:
    ways = [{"fact": "order.total", "at_least": 4700}, {"fact": "order.total", "at_least": 4800}]

    assert brief(promotions(offer({"any": ways})), CART) == [("amount", None, 4700, 4680, 20)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=4), st.integers(1, 5000), st.integers(1, 9))
def test_adding_exactly_what_is_missing_makes_the_promotion_apply(amounts: list[int], total: int, count: int) -> None:
    order = cart(*((amount, n + 1, "coffee" if n % 2 == 0 else "juice") for n, amount in enumerate(amounts)))
    conditions = [{"fact": "order.total", "at_least": total}, {"lines": COFFEE, "quantity": {"at_least": count}}]
    for place, when in enumerate(conditions):
        rules = promotions(offer(when, {"kind": "amount_off", "amount": 1}))
        told = nudges(rules, order)
        applies = bool(promote(rules, order, View(at=NOW, zone=UTC, order=order), Counted({}, {})).applied)
        assert len(told) == (not applies)
        for nudge in told:
            missing = nudge["missing"]
            added = Line("x", missing, SCALE) if place == 0 else Line("x", 0, int(missing) * SCALE, category="coffee")
            enough = replace(order, lines=(*order.lines, added))
            assert promote(rules, enough, View(at=NOW, zone=UTC, order=enough), Counted({}, {})).applied
            if place == 0 and missing > 1:
                short = replace(order, lines=(*order.lines, Line("x", missing - 1, SCALE)))
                assert not promote(rules, short, View(at=NOW, zone=UTC, order=short), Counted({}, {})).applied


CONDITIONS = st.recursive(
    st.one_of(
        st.builds(lambda n: {"fact": "order.total", "at_least": n}, st.integers(1, 6000)),
        st.builds(lambda n: {"fact": "order.total", "at_most": n}, st.integers(0, 6000)),
        st.builds(lambda n: {"fact": "order.lines", "more_than": n}, st.integers(0, 6)),
        st.builds(
            lambda goods, measure, n: {"lines": goods, measure: {"at_least": n}},
            st.sampled_from([COFFEE, JUICE, {}, {"except": COFFEE}]),
            st.sampled_from(["count", "quantity", "amount"]),
            st.integers(1, 8),
        ),
        st.sampled_from([{"fact": "order.currency", "is": "EUR"}, {"fact": "order.channel", "is": "web"}]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda several: {"all": several}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda several: {"any": several}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=5,
)
OFFERS = st.lists(
    st.builds(lambda entry, when: {**entry, **({"when": when} if when else {})}, ENTRIES, st.none() | CONDITIONS),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(OFFERS, LINES, st.integers(0, 600), CHOOSE)
def test_every_nudge_keeps_what_it_promises(
    entries: list[Json], lines: list[tuple[int, int, str]], shipping: int, choose: str
) -> None:
    rules, order = built(entries, choose, "best"), cart(*lines, shipping=shipping)
    told = nudges(rules, order)

    assert len(told) <= 5
    assert len({nudge["promotion"] for nudge in told}) == len(told)
    for nudge in told:
        enough = replace(order, lines=(*order.lines, *goods_of(nudge, order)))
        assert given_by(nudge["promotion"], rules, enough) > given_by(nudge["promotion"], rules, order)


def goods_of(nudge: Json, order: Order) -> list[Line]:
    """Return what a customer adds who does just what a nudge says, of goods as dear as any in the cart."""
    category = nudge.get("lines", {}).get("category", [None])[0]
    dearest = max([line.amount * SCALE // line.quantity for line in order.lines if line.quantity], default=1)
    match nudge["measure"]:
        case "amount":
            return [Line("new", nudge["missing"], SCALE, category=category)]
        case "quantity":
            units = int(nudge["missing"])
            return [Line("new", max(dearest * units, 1), units * SCALE, category=category)]
        case _:
            return [Line(f"new{n}", max(dearest, 1), SCALE, category=category) for n in range(int(nudge["missing"]))]


def given_by(key: str, rules: Promotions, order: Order) -> tuple[int, int]:
    applied = {one.promotion.key: one for one in play(rules, order).applied}
    return (applied[key].value, sum(n for _, n in applied[key].gifts)) if key in applied else (-1, 0)
