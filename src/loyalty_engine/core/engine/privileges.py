"""Privileges of tiers as what they come to: earning rules and promotions that only their members get.

So reasons, explanations, limits of discounts and returns treat them as they treat any other rule and promotion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from loyalty_engine.core.earning.rules import EarningRule, compile_earning
from loyalty_engine.core.program.conditions import Condition, FactComparison
from loyalty_engine.core.program.earning import EarningRuleEntry, Multiply
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.policies import Policies
from loyalty_engine.core.program.promotions import PercentOff, PromotionEntry
from loyalty_engine.core.program.tiers import Tier, TierSet
from loyalty_engine.core.promotions.offers import Promotion, compile_promotion

BY_TIER: Final = "tier/"
"""How the keys begin under which reasons name privileges: no key of the document has a slash."""


def name_of_tier(tier_set: str, tier: str) -> str:
    """Return how reasons name what a tier gives; its multipliers end with their wallet."""
    return f"{BY_TIER}{tier_set}/{tier}"


def compile_multipliers(
    tier_sets: Iterable[TierSet], *, policies: Policies, vocabulary: Vocabulary, zone: tzinfo
) -> Iterator[EarningRule]:
    """Yield an earning rule for each wallet in which a tier lets its members earn more on orders."""
    for tier_set in tier_sets:
        for tier in tier_set.tiers:
            for multiplier in tier.privileges.multipliers:
                entry = EarningRuleEntry(
                    key=tier.key,
                    wallet=multiplier.wallet,
                    when=_in_tier(tier_set, tier),
                    earn=Multiply(kind="multiply", factor=multiplier.factor),
                )
                rule = compile_earning(entry, policy=policies.earning, vocabulary=vocabulary, zone=zone)
                yield replace(rule, key=f"{name_of_tier(tier_set.key, tier.key)}/{multiplier.wallet}")


def compile_discounts(
    tier_sets: Iterable[TierSet], first: int, *, policies: Policies, vocabulary: Vocabulary, zone: tzinfo
) -> Iterator[Promotion]:
    """Yield a promotion for each tier that takes something off, behind the ``first`` places: those of the document."""
    discounted = [
        (tier_set, tier) for tier_set in tier_sets for tier in tier_set.tiers if tier.privileges.discount is not None
    ]
    for position, (tier_set, tier) in enumerate(discounted, start=first):
        discount = tier.privileges.discount
        assert discount is not None
        entry = PromotionEntry(
            key=tier.key,
            name=tier.name or tier.key,
            audience="members",
            when=_in_tier(tier_set, tier),
            effect=PercentOff(kind="percent_off", percent=discount.percent, of=discount.of),
            group=discount.group,
        )
        promotion = compile_promotion(entry, position, policy=policies.promotions, vocabulary=vocabulary, zone=zone)
        yield replace(promotion, key=name_of_tier(tier_set.key, tier.key))


def _in_tier(tier_set: TierSet, tier: Tier) -> Condition:
    return FactComparison.model_validate({"fact": f"member.tiers.{tier_set.key}", "is": tier.key})
