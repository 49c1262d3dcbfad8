"""What holds for all promotions and carts: splitting, caps, groups and limits do what they should and nothing else."""

from dataclasses import replace
from datetime import UTC
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.promotions.evaluation import Promoted, promote
from loyalty_engine.core.promotions.matching import pack
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Line
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import (
    CHOOSE,
    EFFECTS,
    ENTRIES,
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

POLICIES = st.fixed_dictionaries(
    {"percent_of": st.sampled_from(["rest", "list"]), "rounding": st.sampled_from(["floor", "nearest", "ceil"])}
)
SPLITTABLE = st.lists(
    st.tuples(st.integers(0, 700), st.integers(2, 6), st.sampled_from(["coffee", "juice", "tea"])),
    min_size=1,
    max_size=4,
)
"""What one unit costs, how many there are, and of what."""


def saved(promoted: Promoted) -> int:
    return sum(one.value for one in promoted.applied)


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=4), SPLITTABLE, POLICIES, CHOOSE, st.randoms(use_true_random=False))
def test_split_lines_get_what_joined_ones_get(
    entries: list[Json], goods: list[tuple[int, int, str]], policy: dict[str, str], choose: str, dice: Random
) -> None:
    joined = cart(*((price * units, units, kind) for price, units, kind in goods))
    pieces = []
    for price, units, kind in goods:
        first = dice.randint(1, units - 1)
        pieces += [(price * count, count, kind) for count in (first, units - first)]
    split = cart(*pieces)
    rules = built(entries, choose, "best", **policy)
    whole, parts = play(rules, joined), play(rules, split)

    assert [(one.promotion.key, one.value, one.gifts) for one in parts.applied] == [
        (one.promotion.key, one.value, one.gifts) for one in whole.applied
    ]
    assert sum(left_of(parts).values()) == sum(left_of(whole).values())
    for place, line in enumerate(joined.lines):
        alike = [n for n, other in enumerate(goods) if (other[0], other[2]) == (goods[place][0], goods[place][2])]
        if alike == [place]:
            mine = split.lines[2 * place : 2 * place + 2]
            assert sum(left_of(parts)[piece.id] for piece in mine) == left_of(whole)[line.id]


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=5), LINES, st.integers(0, 600), POLICIES, CHOOSE, CHOOSE)
def test_parts_sum_to_the_whole_and_nothing_is_ever_negative(
    entries: list[Json],
    lines: list[tuple[int, int, str]],
    shipping: int,
    policy: dict[str, str],
    choose: str,
    inner: str,
) -> None:
    order = cart(*lines, *lines[:2], shipping=shipping)
    promoted = play(built(entries, choose, inner, **policy), order)

    for line in order.lines:
        off = sum(one.lines.get(line.id, 0) for one in promoted.applied)
        assert 0 <= off <= line.amount
        assert left_of(promoted)[line.id] == line.amount - off
    assert all(0 <= piece.amount <= piece.listed for piece in promoted.cart.slices())
    assert sum(promoted.cart.listed) == order.goods_total
    assert sum(left_of(promoted).values()) + promoted.cart.shipping == total_of(promoted)
    assert total_of(promoted) == order.goods_total + shipping - saved(promoted)
    assert all(one.value <= (one.promotion.at_most or one.value) for one in promoted.applied)


@settings(deadline=None)
@given(EFFECTS, LINES, st.integers(0, 600), st.integers(1, 900), st.integers(0, 900))
def test_a_tighter_cap_or_budget_never_gives_more(
    effect: Json, lines: list[tuple[int, int, str]], shipping: int, cap: int, more: int
) -> None:
    order = cart(*lines, shipping=shipping)
    free = saved(play(promotions(effect), order))

    def capped(amount: int, *, partial: bool) -> tuple[int, int]:
        budget = {"per": "program", "amount": amount, "partial": partial}
        at_most = play(promotions({"key": "p", "effect": effect, "at_most": amount}), order)
        limited = play(promotions({"key": "p", "effect": effect, "limits": [budget]}), order)
        return saved(at_most), saved(limited)

    assert capped(cap, partial=True) == (min(cap, free), min(cap, free))
    assert capped(cap, partial=False)[1] in (0, free)
    assert capped(cap, partial=False)[1] <= capped(cap + more, partial=False)[1] <= free


@settings(deadline=None)
@given(EFFECTS, LINES, st.integers(1, 99), st.integers(1, 99))
def test_a_higher_floor_never_gives_more_and_always_holds(
    effect: Json, lines: list[tuple[int, int, str]], one: int, other: int
) -> None:
    order = cart(*lines)
    low, high = sorted((one, other))
    loose, tight = (
        play(promotions({"key": "p", "effect": effect, "floor": f"{floor}%"}), order) for floor in (low, high)
    )

    assert saved(tight) <= saved(loose)


@settings(deadline=None)
@given(st.lists(EFFECTS, min_size=1, max_size=3), EFFECTS, LINES, st.integers(1, 100))
def test_a_floor_holds_for_a_line_whatever_was_off_it_before(
    before: list[Json], effect: Json, lines: list[tuple[int, int, str]], floor: int
) -> None:
    order = cart(*lines)
    first = [{"key": f"b{n}", "effect": one} for n, one in enumerate(before)]
    promoted = play(promotions(*first, {"key": "p", "effect": effect, "floor": f"{floor}%"}), order)

    last = promoted.applied[-1] if promoted.applied else None
    if last is not None and last.promotion.key == "p":
        alike = {line.id: _goods(line) for line in order.lines}
        for touched in last.lines:
            group = [line for line in order.lines if alike[line.id] == alike[touched]]
            left = sum(left_of(promoted)[line.id] for line in group)
            assert 100 * left >= floor * sum(line.amount for line in group)


def _goods(line: Line) -> object:
    return (line.sku, line.amount * SCALE // line.quantity) if line.quantity else line.id


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=6), LINES, st.integers(0, 600))
def test_the_best_of_nested_groups_is_never_worse_than_any_single_one(
    entries: list[Json], lines: list[tuple[int, int, str]], shipping: int
) -> None:
    order = cart(*lines, shipping=shipping)
    best = saved(play(built(entries, "best", "best"), order))

    for entry in entries:
        assert best >= saved(play(built([{**entry, "group": "b"}], "best", "best"), order))


@settings(deadline=None)
@given(
    st.lists(ENTRIES, min_size=1, max_size=4),
    LINES,
    st.sampled_from(["member", "program"]),
    st.integers(1, 500),
    st.booleans(),
    st.integers(1, 6),
)
def test_limits_are_never_overdrawn_however_often_one_orders(
    entries: list[Json], lines: list[tuple[int, int, str]], per: str, budget: int, partial: bool, orders: int
) -> None:
    limits = [{"per": per, "amount": budget, "partial": partial}, {"per": per, "times": 3, "period": "month"}]
    rules = built([{**entry, "limits": limits} for entry in entries], "all", "all")
    counters: dict[str, int] = {}
    given_by: dict[str, int] = {}
    for _ in range(orders):
        promoted = play(rules, cart(*lines), **counters)
        for use in promoted.uses:
            counters[use.counter] = counters.get(use.counter, 0) + use.amount
            assert counters[use.counter] <= use.cap
        for one in promoted.applied:
            given_by[one.promotion.key] = given_by.get(one.promotion.key, 0) + one.value

    assert all(amount <= budget for amount in given_by.values())


def test_a_limit_per_member_is_not_for_guests() -> None:
    effect = {"kind": "amount_off", "amount": 500}
    rules = promotions({"key": "p", "effect": effect, "limits": [{"per": "member", "times": 1}]})
    order = cart((1000, 1))
    promoted = promote(rules, order, View(at=NOW, zone=UTC, order=order), Counted({}, {}))

    assert [(one.promotion.key, one.code) for one in promoted.refused] == [("p", "member_required")]
    assert total_of(promoted) == 1000


def test_the_order_of_limits_does_not_matter() -> None:
    effect = {"kind": "amount_off", "amount": 500}
    cut = {"per": "program", "amount": 100, "partial": True}
    whole = {"per": "location", "amount": 200}
    for limits in ([cut, whole], [whole, cut]):
        assert total_of(play(promotions({"key": "p", "effect": effect, "limits": limits}), cart((1000, 1)))) == 900


UNITS = st.lists(st.tuples(st.frozensets(st.integers(0, 3), max_size=4), st.integers(0, 6)), min_size=1, max_size=6)


@given(st.lists(st.integers(1, 3), min_size=4, max_size=4), UNITS, st.none() | st.integers(1, 5))
def test_as_many_bundles_are_packed_as_the_scarcest_parts_allow(
    needs: list[int], units: list[tuple[frozenset[int], int]], most: int | None
) -> None:
    times, used = pack(needs, units, most)

    bounds = [] if most is None else [most]
    for chosen in range(1, 16):
        parts = {part for part in range(4) if chosen >> part & 1}
        there = sum(count for fits, count in units if fits & parts)
        bounds.append(there // sum(needs[part] for part in parts))
    assert times == min(bounds)
    assert sum(used) == times * sum(needs)
    assert all(taken <= count for taken, (_, count) in zip(used, units, strict=True))


def test_the_dearest_units_that_fit_are_bundled() -> None:
    coffee, any_drink = frozenset({0}), frozenset({0, 1})

    assert pack([1, 1], [(any_drink, 1), (coffee, 1), (any_drink, 1)], None) == (1, [1, 1, 0])
    assert pack([1, 1], [(coffee, 2), (any_drink, 1)], None) == (1, [1, 1])


def test_everything_off_and_ten_more_is_nothing_to_pay() -> None:
    order = cart((1000, 1), (333, 3), shipping=490)
    everything = {"kind": "percent_off", "percent": "100%"}
    promoted = play(promotions(everything, {"kind": "amount_off", "amount": 10}, {"kind": "shipping_off"}), order)

    assert total_of(promoted) == 0
    assert [(one.promotion.key, one.code) for one in promoted.refused] == [("p1", "nothing_to_discount")]


def test_a_share_of_the_listed_price_leaves_no_cent_of_the_dearest_unit() -> None:
    dearest = {"kind": "percent_off", "percent": "100%", "units": {"dearest": 1}}

    assert total_of(play(promotions(dearest, percent_of="list"), cart((1000, 3)))) == 666


def test_a_share_of_the_listed_price_is_of_each_line_by_itself() -> None:
    free = {"kind": "percent_off", "percent": "100%", "of": {"category": ["coffee"]}}
    share = {"kind": "percent_off", "percent": "60%"}
    promoted = play(promotions(free, share, percent_of="list"), cart((100, 1, "coffee"), (100, 1, "juice")))

    assert left_of(promoted) == {"0": 0, "1": 40}


def test_shares_of_shipping_follow_the_policy() -> None:
    halves = {"kind": "shipping_off", "percent": "50%"}
    order = cart((100, 1), shipping=400)

    assert play(promotions(halves, halves), order).cart.shipping == 100
    assert play(promotions(halves, halves, percent_of="list"), order).cart.shipping == 0


def test_a_floor_is_for_the_line_and_not_for_each_of_its_units() -> None:
    third = {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}
    promoted = play(promotions({"key": "p", "effect": third, "floor": "50%"}), cart((900, 3)))
    assert total_of(promoted) == 600

    more = {"key": "q", "effect": {"kind": "percent_off", "percent": "100%"}, "floor": "50%"}
    assert total_of(play(promotions({"key": "p", "effect": third}, more), cart((900, 3)))) == 450


def test_a_line_without_whole_units_is_left_alone_where_units_count() -> None:
    order = replace(cart((500, 1)), lines=(Line("0", 500, SCALE * 3 // 2), Line("1", 500, 0), Line("2", 400, SCALE)))
    per_unit = {"kind": "amount_off", "amount": 100, "each": "unit"}

    assert left_of(play(promotions(per_unit), order)) == {"0": 500, "1": 500, "2": 300}


def test_lines_of_the_same_goods_at_the_same_price_are_one_line() -> None:
    each = {"kind": "amount_off", "amount": 300, "each": "line"}

    assert left_of(play(promotions(each), cart((500, 1, "tea"), (500, 1, "tea")))) == {"0": 350, "1": 350}


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=6), LINES, CHOOSE)
def test_looking_at_every_promotion_gives_what_the_index_gives(
    entries: list[Json], lines: list[tuple[int, int, str]], choose: str
) -> None:
    rules, order = built(entries, choose, "best"), cart(*lines)
    doorless = tuple(replace(promotion, door=None) for promotion in rules.promotions)
    found, looked = play(rules, order), play(Promotions(doorless, rules.groups, rules.choose), order)

    assert [(one.promotion.key, one.lines, one.gifts) for one in found.applied] == [
        (one.promotion.key, one.lines, one.gifts) for one in looked.applied
    ]
    unseen = {one.promotion.key for one in looked.refused} - {one.promotion.key for one in found.refused}
    assert all(one.code == "nothing_to_discount" for one in looked.refused if one.promotion.key in unseen)
