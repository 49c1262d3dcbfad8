"""Points of promotions on top of what rules give: which extras they are, and what they come to, the second time too."""

from datetime import UTC
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.evaluation import Earned, EarningRules, evaluate_again, evaluate_earning
from loyalty_engine.core.earning.extras import Extra
from loyalty_engine.core.earning.groups import Groups
from loyalty_engine.core.earning.rules import compile_earning
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.earning import EarningPolicy, EarningRuleEntry
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.promotions.points import extras_of
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import COFFEE, MEMBER, NOW, cart, play, promotions

Json = dict[str, Any]

DOUBLE: Json = {"kind": "points_times", "wallet": "points", "factor": 2}
EXTRA: Json = {"kind": "points", "wallet": "points", "points": 50}
BASE: Json = {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}}


def rules(*entries: Json) -> EarningRules:
    compiled = [
        compile_earning(
            EarningRuleEntry.model_validate(entry),
            policy=EarningPolicy(),
            vocabulary=Vocabulary.of(Attributes()),
            zone=UTC,
        )
        for entry in entries
    ]
    return EarningRules.of(compiled, Groups({}, "all"))


def view(order: Order) -> View:
    return View(at=NOW, zone=UTC, order=order, member=MEMBER)


def extras(found: Promotions, order: Order, *wallets: str) -> tuple[Extra, ...]:
    return extras_of(found, play(found, order).memory, wallets or ("points", "stamps"))


def earn(given: Promotions, order: Order, *entries: Json) -> Earned:
    return evaluate_earning(rules(*entries), view(order), extras=extras(given, order))


def amounts(earned: Earned) -> list[tuple[str, int]]:
    return [(grant.rule, grant.amount) for grant in earned.grants]


def test_extra_points_come_first_then_multiplied_ones_behind_those_of_rules() -> None:
    earned = earn(promotions(DOUBLE, EXTRA, {**DOUBLE, "factor": "1.5"}), cart((2000, 1)), BASE)

    assert amounts(earned) == [("base", 20), ("promotion/p1", 50), ("promotion/p0", 20), ("promotion/p2", 10)]
    assert [(kept.rule, kept.amount) for kept in earned.memory] == amounts(earned)
    assert [reason.rule for reason in earned.reasons] == ["base"]


def test_nothing_goes_into_wallets_that_are_gone() -> None:
    given = promotions(DOUBLE, EXTRA, {**DOUBLE, "wallet": "stamps"}, {**EXTRA, "wallet": "stamps"})

    assert [extra.giver for extra in extras(given, cart((2000, 1)), "stamps")] == ["promotion/p3", "promotion/p2"]
    assert extras_of(given, play(given, cart((2000, 1))).memory, ()) == ()


def test_promotions_that_give_no_points_are_no_extras() -> None:
    given = promotions({"kind": "percent_off", "percent": "10%"}, {**DOUBLE, "of": COFFEE})

    assert extras(given, cart((2000, 1, "tea"))) == ()
    assert [extra.giver for extra in extras(given, cart((2000, 1, "coffee")))] == ["promotion/p1"]


def test_what_a_promotion_of_another_revision_multiplied_is_nothing() -> None:
    assert extras_of(promotions(EXTRA), [PromotionMemory("gone", {}, wallet="points")], ("points",)) == ()


def test_multipliers_never_multiply_each_other() -> None:
    triple = {"key": "triple", "wallet": "points", "earn": {"kind": "multiply", "factor": 3}}
    earned = earn(promotions(DOUBLE), cart((2000, 1)), BASE, triple)

    assert amounts(earned) == [("base", 20), ("triple", 40), ("promotion/p0", 20)]


def test_judged_again_nothing_gives_more_and_what_gave_nothing_gives_nothing() -> None:
    given, whole, part = promotions(EXTRA, DOUBLE), cart((2000, 1), (1000, 1)), cart((1000, 1))
    memory = earn(given, whole, BASE).memory

    def again(order: Order, *givers: str) -> Json:
        kept = [one for one in memory if one.rule in givers]
        return dict(evaluate_again(rules(BASE), view(order), kept, extras=extras(given, order)))

    everything = ("base", "promotion/p0", "promotion/p1")
    assert again(part, *everything) == {"base": 10, "promotion/p0": 50, "promotion/p1": 10}
    assert again(cart((9000, 1)), *everything) == {"base": 30, "promotion/p0": 50, "promotion/p1": 30}
    assert again(part, "base", "promotion/p0") == {"base": 10, "promotion/p0": 50}
    memory = tuple(one._replace(amount=7) if one.rule != "base" else one for one in memory)
    assert again(part, *everything) == {"base": 10, "promotion/p0": 7, "promotion/p1": 7}


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 3)), min_size=1, max_size=5),
    st.integers(1, 9),
    st.integers(1_000_001, 100_000_000),
)
def test_a_factor_adds_exactly_what_is_missing_to_it(lines: list[tuple[int, int]], per: int, millionths: int) -> None:
    base = {**BASE, "earn": {"kind": "per_amount", "points": 1, "per": per}}
    factor = f"{millionths // 1_000_000}.{millionths % 1_000_000:06}"
    order = cart(*lines)
    earned = dict(amounts(earn(promotions({**DOUBLE, "factor": factor}), order, base)))

    total = sum(line.amount for line in order.lines)
    exact = Fraction(total, per) * (Fraction(factor) - 1) if total >= per else Fraction(0)
    assert earned.get("promotion/p0", 0) == exact.numerator // exact.denominator
