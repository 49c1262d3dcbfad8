"""Runs the examples of promotions: what one cart gets off or on top, and why not more."""

import json
from dataclasses import replace
from typing import Final

import pytest

from loyalty_engine.core.promotions.promotions import Promotions
from tests.decisions.carts import CARTS, as_told, play, split_lines
from tests.decisions.examples import (
    RULES_PAGE,
    Case,
    explained,
    explained_code,
    read_cases,
    read_order,
    read_page,
    read_ruleset,
)

CASES: Final = [*read_cases(*CARTS), *(case for case in read_page(RULES_PAGE) if "saves" in case.says)]
RUN: Final = pytest.mark.parametrize("case", CASES, ids=str)


def test_there_are_enough_examples_and_no_name_twice() -> None:
    assert len(CASES) >= 250
    assert len({case.name for case in CASES}) == len(CASES)


@RUN
def test_a_cart_gets_what_the_example_says(case: Case) -> None:
    played = play(case, read_order(case.get("order")))
    assert played.saves == case.get("saves")
    assert as_told(case, played.left) == case.get("left")
    assert played.total == case.get("total")
    assert played.gifts == case.get("gifts", {})
    assert played.points_by("promotion") == case.get("points", {})
    assert played.points_by("rule") == case.get("earns", {})
    became = {code: explained_code(played.became.get(code), said) for code, said in case.get("became", {}).items()}
    assert became == case.get("became", {})
    assert [*became] == [*played.became]
    for told, found in (("uses", played.uses), ("payable", played.payable), ("due", played.answer["due"])):
        assert case.get(told, found) == found


@RUN
def test_every_promotion_says_why_it_gives_nothing_or_less(case: Case) -> None:
    reasons = json.loads(json.dumps(play(case, read_order(case.get("order"))).reasons))
    expected, cut = case.get("why_not", {}), case.get("cut", {})
    assert {key for key, reason in reasons.items() if not reason["applied"]} == expected.keys()
    assert {key for key, reason in reasons.items() if reason["applied"] and "limit" in reason} == cut.keys()
    for promotion, speaks_of in {**expected, **cut}.items():
        assert explained(reasons[promotion], speaks_of) == speaks_of


@pytest.mark.parametrize("case", [case for case in CASES if "nudges" in case.says], ids=str)
def test_an_evaluation_tells_what_would_give_more(case: Case) -> None:
    expected: list[dict[str, object]] = case.get("nudges")
    nudges = play(case, read_order(case.get("order"))).answer["nudges"]
    assert [nudge["promotion"] for nudge in nudges] == [nudge["promotion"] for nudge in expected]
    shown = [{name: nudge[name] for name in said} for nudge, said in zip(nudges, expected, strict=True)]
    assert shown == expected


@RUN
def test_the_order_of_lines_does_not_matter(case: Case) -> None:
    cart = read_order(case.get("order"))
    played, backwards = play(case, cart), play(case, replace(cart, lines=cart.lines[::-1]))
    assert backwards.left == played.left[::-1]
    assert backwards.reasons == played.reasons
    assert backwards.answer["nudges"] == played.answer["nudges"]


@RUN
def test_split_lines_cost_what_joined_ones_cost(case: Case) -> None:
    played = play(case, read_order(split_lines(case)))
    assert played.saves == case.get("saves")
    assert played.total == case.get("total")


@RUN
def test_looking_at_every_promotion_gives_the_same(case: Case) -> None:
    ruleset = read_ruleset(case)
    known = ruleset.promotions
    everywhere = Promotions(tuple(replace(one, door=None) for one in known.promotions), known.groups, known.choose)
    cart = read_order(case.get("order"))
    looked_at = play(case, cart, replace(ruleset, promotions=everywhere))
    played = play(case, cart)
    assert (looked_at.saves, looked_at.left) == (played.saves, played.left)
