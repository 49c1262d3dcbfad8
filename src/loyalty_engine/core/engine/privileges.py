"""Privileges of tiers and plans as what they come to: earning rules and promotions that only their members get.

So reasons, explanations, limits of discounts and returns treat them as they treat any other rule and promotion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from loyalty_engine.core.earning.rules import EarningRule, compile_earning
from loyalty_engine.core.program.conditions import Condition, FactComparison
from loyalty_engine.core.program.earning import EarningRuleEntry, Multiply
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.plans import PlanEntry
from loyalty_engine.core.program.policies import Policies
from loyalty_engine.core.program.promotions import PercentOff, PromotionEntry
from loyalty_engine.core.program.tiers import Privileges, Tier, TierSet
from loyalty_engine.core.promotions.offers import Promotion, compile_promotion

BY_TIER: Final = "tier/"
BY_PLAN: Final = "plan/"
"""How the keys begin under which reasons name privileges: no key of the document has a slash."""


def name_of_tier(tier_set: str, tier: str) -> str:
    """Return how reasons name what a tier gives; its multipliers end with their wallet."""
    return f"{BY_TIER}{tier_set}/{tier}"


def name_of_plan(plan: str) -> str:
    """Return how reasons name what a plan gives; its multipliers end with their wallet."""
    return f"{BY_PLAN}{plan}"


@dataclass(frozen=True, slots=True)
class Privileged:
    """Members with the same privileges: who they are, and under which ``name`` reasons show what they get."""

    name: str
    key: str
    shown: str
    when: Condition
    privileges: Privileges


def who_has_privileges(tier_sets: Iterable[TierSet], plans: Iterable[PlanEntry]) -> list[Privileged]:
    """Return the members of tiers and of plans."""
    in_tiers = [_in_tier(tier_set, tier) for tier_set in tier_sets for tier in tier_set.tiers]
    return [*in_tiers, *(_in_plan(plan) for plan in plans)]


def compile_multipliers(
    privileged: Iterable[Privileged], *, policies: Policies, vocabulary: Vocabulary, zone: tzinfo
) -> Iterator[EarningRule]:
    """Yield an earning rule for each wallet in which some members earn more on orders."""
    for members in privileged:
        for multiplier in members.privileges.multipliers:
            entry = EarningRuleEntry(
                key=members.key,
                wallet=multiplier.wallet,
                when=members.when,
                earn=Multiply(kind="multiply", factor=multiplier.factor),
            )
            rule = compile_earning(entry, policy=policies.earning, vocabulary=vocabulary, zone=zone)
            yield replace(rule, key=f"{members.name}/{multiplier.wallet}")


def compile_discounts(
    privileged: Iterable[Privileged], first: int, *, policies: Policies, vocabulary: Vocabulary, zone: tzinfo
) -> Iterator[Promotion]:
    """Yield a promotion for each discount of some members, behind the ``first`` places: those of the document."""
    discounted = [members for members in privileged if members.privileges.discount is not None]
    for position, members in enumerate(discounted, start=first):
        discount = members.privileges.discount
        assert discount is not None
        entry = PromotionEntry(
            key=members.key,
            name=members.shown,
            audience="members",
            when=members.when,
            effect=PercentOff(kind="percent_off", percent=discount.percent, of=discount.of),
            group=discount.group,
        )
        promotion = compile_promotion(entry, position, policy=policies.promotions, vocabulary=vocabulary, zone=zone)
        yield replace(promotion, key=members.name)


def _in_tier(tier_set: TierSet, tier: Tier) -> Privileged:
    when = FactComparison.model_validate({"fact": f"member.tiers.{tier_set.key}", "is": tier.key})
    name = name_of_tier(tier_set.key, tier.key)
    return Privileged(name, tier.key, tier.name or tier.key, when, tier.privileges)


def _in_plan(plan: PlanEntry) -> Privileged:
    when = FactComparison.model_validate({"fact": "member.plans", "includes": plan.key})
    return Privileged(name_of_plan(plan.key), plan.key, plan.name or plan.key, when, plan.privileges)
