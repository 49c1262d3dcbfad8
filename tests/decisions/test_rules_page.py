"""The page about rules leaves nothing out; its examples run with the other decision cases."""

from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
from pydantic import TypeAdapter

from loyalty_engine.core.program.conditions import BirthdayWindow, HistoryComparison, LinesComparison
from loyalty_engine.core.program.earning import (
    EarningGroup,
    EarningPolicy,
    EarningRuleEntry,
    Limit,
    Multiply,
    PerAmount,
)
from loyalty_engine.core.program.facts import FACTS, OPERATORS
from loyalty_engine.core.program.lifetimes import AfterWait, AtOnce, Confirmed, ExpiryAfter, ExpirySliding, Length
from loyalty_engine.core.program.plans import FullRefund, PlanEntry, PlanRefund
from loyalty_engine.core.program.policies import ReturnPolicy
from loyalty_engine.core.program.promotions import (
    AmountOff,
    Bundle,
    BuyGet,
    Gift,
    Part,
    PercentOff,
    PointsTimes,
    PromotionEffect,
    PromotionEntry,
    PromotionGroup,
    PromotionLimit,
    PromotionPolicy,
    ShippingOff,
    Step,
    Stepped,
    TotalPrice,
    UnitChoice,
    UnitPrice,
)
from loyalty_engine.core.program.tiers import (
    LastsToEnd,
    Privileges,
    Tier,
    TierDiscount,
    TierMetric,
    TierMultiplier,
    TierSet,
    TierValidity,
    TierWindow,
)
from loyalty_engine.core.promotions.codes import WhyNotUsed
from loyalty_engine.core.rules.reasons import WhyNot, WhyNotPromoted
from tests.decisions.examples import RULES_PAGE, Case, read_page
from tests.decisions.lives import DATES, Life

PAGE: Final = RULES_PAGE.read_text(encoding="utf-8")
MODELS: Final = (
    EarningRuleEntry,
    EarningPolicy,
    EarningGroup,
    Limit,
    Multiply,
    PerAmount,
    BirthdayWindow,
    HistoryComparison,
    LinesComparison,
    Length,
    AfterWait,
    ExpiryAfter,
    ReturnPolicy,
    PromotionEntry,
    PromotionGroup,
    PromotionPolicy,
    PromotionLimit,
    PercentOff,
    AmountOff,
    UnitPrice,
    UnitChoice,
    TotalPrice,
    ShippingOff,
    Stepped,
    Step,
    BuyGet,
    Bundle,
    Part,
    Gift,
    PointsTimes,
    TierSet,
    Tier,
    Privileges,
    TierMultiplier,
    TierDiscount,
    LastsToEnd,
    PlanEntry,
    FullRefund,
)
KINDS: Final = (AtOnce, AfterWait, Confirmed, ExpiryAfter, ExpirySliding)
CHOICES: Final = ("points", "discounts", "clawback", "expired")
"""Fields of the policy of returns that name a choice."""


def words() -> Iterator[str]:
    yield from (fact.name for fact in FACTS)
    yield from {operator for operators in OPERATORS.values() for operator in operators}
    yield from ("applied", *get_args(WhyNot), *get_args(WhyNotPromoted), "used", *get_args(WhyNotUsed))
    for model in MODELS:
        yield from (field.alias or name for name, field in model.model_fields.items())
    kinds: Any = EarningRuleEntry.model_json_schema()["properties"]["earn"]["discriminator"]["mapping"]
    yield from kinds
    yield from TypeAdapter(PromotionEffect).json_schema()["discriminator"]["mapping"]
    unions: tuple[Any, ...] = (TierMetric, TierWindow, TierValidity, PlanRefund)
    for union in unions:
        yield from TypeAdapter(union).json_schema()["discriminator"]["mapping"]
    for choice in ("downgrade", "returns"):
        yield from get_args(TierSet.model_fields[choice].annotation)
    for choice in ("cancels", "overpaid"):
        yield from get_args(PlanEntry.model_fields[choice].annotation)
    for kind in KINDS:
        yield from get_args(kind.model_fields["kind"].annotation)
    for field in CHOICES:
        yield from get_args(ReturnPolicy.model_fields[field].annotation)


@pytest.mark.parametrize("word", sorted(set(words())))
def test_the_page_speaks_of(word: str) -> None:
    assert f"`{word}" in PAGE or f"{word}: " in PAGE


def test_the_page_has_an_example_in_most_sections() -> None:
    assert len(read_page(RULES_PAGE)) >= PAGE.count("\n## ") - 3


EXAMPLES: Final = [case for case in read_page(RULES_PAGE) if DATES & case.says.keys() or "returned" in case.says]


def test_lifetimes_and_returns_have_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_points_live_as_the_example_says(case: Case) -> None:
    life = Life.begin(case)
    assert {name: case.get(name) for name in DATES & case.says.keys()} == life.dates(DATES & case.says.keys())
    if "returned" in case.says:
        life.spend(case.get("spent", 0))
        assert life.take_back(case.get("returned")) == {
            name: case.get(name, {}) for name in ("refund", "restores", "keeps", "takes")
        }
