"""Static checks of promotions and their groups."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from loyalty_engine.core.program.condition_checks import check_condition, check_selection
from loyalty_engine.core.program.conditions import Condition, FactComparison, LineSelection, walk
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.earning_checks import check_times, is_cyclic
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.promotion_lints import lint_promotion
from loyalty_engine.core.program.promotion_rivals import find_losers
from loyalty_engine.core.program.promotions import (
    Bundle,
    BuyGet,
    CodeIssue,
    ExtraPoints,
    PointsTimes,
    PromotionEffect,
    PromotionEntry,
    PromotionGroup,
    ShippingOff,
    Stepped,
)
from loyalty_engine.core.program.tiers import tiers_by_set

MAX_LIMITED_PROMOTIONS: Final = 200
"""How many promotions may count something per member: their counters live in the member's row."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a promotion may name."""

    wallets: Collection[str]
    groups: Mapping[str, PromotionGroup]
    vocabulary: Vocabulary


def check_promotions(program: Program, now: datetime | None) -> Iterator[Fault]:
    """Yield the faults of all groups and promotions. ``now`` is the program's wall clock, None when it does not matter."""
    wallets = {wallet.key: wallet for wallet in program.wallets}
    vocabulary = Vocabulary.of(
        program.attributes, wallets, tier_sets=tiers_by_set(program.tier_sets), plans=keys_of(program.plans)
    )
    groups = {group.key: group for group in program.promotion_groups}
    in_groups = list(_check_groups(groups, program))
    yield from in_groups
    known = _Known(wallets, groups, vocabulary)
    limited = 0
    faulty: set[int] = set()
    for index, promotion in enumerate(program.promotions):
        pointer = f"/promotions/{index}"
        found = list(_check_promotion(pointer, promotion, known))
        found += check_times(pointer, promotion, now)
        yield from found
        if found:
            faulty.add(index)
        else:
            yield from lint_promotion(pointer, promotion, vocabulary)
        limited += any(limit.per == "member" for limit in promotion.limits)
        if limited == MAX_LIMITED_PROMOTIONS + 1:
            message = f"more than {MAX_LIMITED_PROMOTIONS} promotions are limited per member"
            yield Fault(f"{pointer}/limits", FaultCode.TOO_MANY_LIMITS, message)
    if not in_groups and all(promotion.group is None or promotion.group in groups for promotion in program.promotions):
        yield from find_losers(program.promotions, groups, program.policies.promotions, faulty=faulty)


def _check_promotion(pointer: str, promotion: PromotionEntry, known: _Known) -> Iterator[Fault]:
    if promotion.group is not None and promotion.group not in known.groups:
        yield Fault(f"{pointer}/group", FaultCode.UNKNOWN_GROUP, "is not the key of a promotion group")
    if promotion.when is not None:
        yield from check_condition(f"{pointer}/when", promotion.when, known.vocabulary)
        yield from _check_known_in_time(f"{pointer}/when", promotion.when)
    for where, selection in _selections(promotion.effect):
        yield from check_selection(f"{pointer}/effect/{where}", selection, known.vocabulary)
    yield from _check_effect(f"{pointer}/effect", promotion.effect, known.wallets)


def _check_known_in_time(pointer: str, condition: Condition) -> Iterator[Fault]:
    for here, _, node in walk(condition, pointer):
        if isinstance(node, FactComparison) and node.fact == "order.paid_with_points":
            message = "is not known yet: points pay what promotions leave"
            yield Fault(f"{here}/fact", FaultCode.FACT_NOT_AVAILABLE, message)


def _check_groups(groups: Mapping[str, PromotionGroup], program: Program) -> Iterator[Fault]:
    for index, group in enumerate(program.promotion_groups):
        pointer = f"/promotion_groups/{index}/group"
        if group.group is None:
            continue
        if group.group not in groups:
            yield Fault(pointer, FaultCode.UNKNOWN_GROUP, "is not the key of a promotion group")
        elif is_cyclic(group, groups):
            yield Fault(pointer, FaultCode.CYCLIC_GROUPS, "makes the group a part of itself")


def _selections(effect: PromotionEffect) -> Iterator[tuple[str, LineSelection]]:
    """Yield the line selections of an effect, each with where it stands."""
    match effect:
        case BuyGet(buy=buy, get=get):
            parts = {"buy/of": buy.of, "get/of": get.of}
        case Bundle():
            parts = {f"parts/{place}/of": part.of for place, part in enumerate(effect.parts)}
        case ShippingOff() | ExtraPoints() | CodeIssue():
            parts = {}
        case _:
            parts = {"of": effect.of}
    yield from ((where, selection) for where, selection in parts.items() if selection is not None)


def _check_effect(pointer: str, effect: PromotionEffect, wallets: Collection[str]) -> Iterator[Fault]:
    match effect:
        case ExtraPoints(wallet=wallet) | PointsTimes(wallet=wallet) if wallet not in wallets:
            yield Fault(f"{pointer}/wallet", FaultCode.UNKNOWN_WALLET, "is not the key of a wallet")
        case Stepped(steps=steps):
            for place, (one, other) in enumerate(pairwise(steps), start=1):
                if other.at_least <= one.at_least:
                    message = "must be more than that of the step before"
                    yield Fault(f"{pointer}/steps/{place}/at_least", FaultCode.OUT_OF_RANGE, message)
        case _:
            pass
