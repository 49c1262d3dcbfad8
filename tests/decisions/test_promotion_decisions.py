"""Runs the examples of promotions: what one cart gets off or on top, and why not more."""

from dataclasses import replace
from typing import Final

import pytest

from tests.decisions.carts import CARTS, left_of, play, read_cart, reasons_of, saves_of, split_lines
from tests.decisions.examples import RULES_PAGE, Case, explained, read_cases, read_page

CASES: Final = [*read_cases(*CARTS), *(case for case in read_page(RULES_PAGE) if "saves" in case.says)]
RUN: Final = pytest.mark.parametrize("case", CASES, ids=str)
SPLITTING: Final = [case for case in CASES if case.get("splits", default=True)]


def test_there_are_enough_examples_and_no_name_twice() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@RUN
def test_a_cart_gets_what_the_example_says(case: Case) -> None:
    cart = read_cart(case)
    promoted = play(case, cart)
    assert saves_of(promoted) == case.get("saves")
    assert left_of(cart, promoted, case) == case.get("left")
    assert promoted.cart.total == case.get("total")
    gifts = {one.promotion.key: dict(one.gifts) for one in promoted.applied if one.gifts}
    assert gifts == case.get("gifts", {})
    points = {one.promotion.key: f"{one.points[1]} {one.points[0]}" for one in promoted.applied if one.points}
    assert points == case.get("points", {})
    if "uses" in case.says:
        assert {use.counter: use.amount for use in promoted.uses} == case.get("uses")


@RUN
def test_every_promotion_says_why_it_gives_nothing(case: Case) -> None:
    reasons, expected = reasons_of(case, play(case, read_cart(case))), case.get("why_not", {})
    assert reasons.keys() == expected.keys()
    for promotion, said in expected.items():
        speaks_of = said if isinstance(said, str) else {name: value for name, value in said.items() if name != "used"}
        assert explained(reasons[promotion], speaks_of) == speaks_of


@RUN
def test_the_order_of_lines_does_not_matter(case: Case) -> None:
    cart = read_cart(case)
    promoted, backwards = play(case, cart), play(case, replace(cart, lines=cart.lines[::-1]))
    assert backwards.lines == promoted.lines
    assert saves_of(backwards) == saves_of(promoted)


@pytest.mark.parametrize("case", SPLITTING, ids=str)
def test_split_lines_cost_what_joined_ones_cost(case: Case) -> None:
    promoted = play(case, read_cart(case, split_lines(case)))
    assert saves_of(promoted) == case.get("saves")
    assert promoted.cart.total == case.get("total")
