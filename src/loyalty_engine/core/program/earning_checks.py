"""Static checks of earning rules and their groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.condition_checks import check_condition, check_selection
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.earning import (
    EarningGroup,
    EarningRuleEntry,
    Fixed,
    Multiply,
    PercentOfAmount,
    PerValue,
)
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.promotions import PromotionEntry, PromotionGroup
from loyalty_engine.core.program.tiers import tiers_by_set
from loyalty_engine.core.program.wallets import MoneyWallet, PointsWallet, Wallet
from loyalty_engine.core.program.windows import Window, parse_moment

MAX_LIMITED_RULES: Final = 200
"""How many rules may count something per member: their counters live in the member's row."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a rule may name."""

    wallets: Mapping[str, Wallet]
    groups: Mapping[str, EarningGroup]
    rules: Mapping[str, EarningRuleEntry]
    activities: Mapping[str, ActivityKind]
    attributes: Attributes
    tier_sets: Mapping[str, Sequence[str]]
    plans: Sequence[str]
    for_orders: Vocabulary

    def vocabulary_of(self, rule: EarningRuleEntry) -> Vocabulary:
        """Return the words for the conditions of a rule."""
        kind = self.activities.get(rule.activity) if rule.activity is not None else None
        if kind is None:
            return self.for_orders
        return Vocabulary.of(self.attributes, self.wallets, kind, tier_sets=self.tier_sets, plans=self.plans)


def check_earning(program: Program, now: datetime | None) -> Iterator[Fault]:
    """Yield the faults of all groups and rules. ``now`` is the program's wall clock, None when it does not matter."""
    wallets = {wallet.key: wallet for wallet in program.wallets}
    known = _Known(
        wallets=wallets,
        groups={group.key: group for group in program.earning_groups},
        rules={rule.key: rule for rule in program.earning_rules},
        activities={kind.key: kind for kind in program.activities},
        attributes=program.attributes,
        tier_sets=tiers_by_set(program.tier_sets),
        plans=keys_of(program.plans),
        for_orders=Vocabulary.of(
            program.attributes, wallets, tier_sets=tiers_by_set(program.tier_sets), plans=keys_of(program.plans)
        ),
    )
    excluded = program.policies.earning.excluded
    if excluded is not None:
        yield from check_selection("/policies/earning/excluded", excluded, known.for_orders)
    yield from _check_groups(program.earning_groups, known)
    limited = 0
    for index, rule in enumerate(program.earning_rules):
        pointer = f"/earning_rules/{index}"
        yield from _check_rule(pointer, rule, known)
        yield from check_times(pointer, rule, now)
        limited += any(limit.per == "member" for limit in rule.limits)
        if limited == MAX_LIMITED_RULES + 1:
            message = f"more than {MAX_LIMITED_RULES} rules are limited per member"
            yield Fault(f"{pointer}/limits", FaultCode.TOO_MANY_LIMITS, message)
    yield from _check_mixtures(program.earning_rules, known)


def _check_groups(groups: Sequence[EarningGroup], known: _Known) -> Iterator[Fault]:
    for index, group in enumerate(groups):
        pointer = f"/earning_groups/{index}/group"
        if group.group is None:
            continue
        if group.group not in known.groups:
            yield Fault(pointer, FaultCode.UNKNOWN_GROUP, "is not the key of an earning group")
        elif is_cyclic(group, known.groups):
            yield Fault(pointer, FaultCode.CYCLIC_GROUPS, "makes the group a part of itself")


def is_cyclic(group: EarningGroup | PromotionGroup, groups: Mapping[str, EarningGroup | PromotionGroup]) -> bool:
    """Tell whether the way up from ``group`` comes back to it."""
    seen: set[str] = set()
    above = groups.get(group.group or "")
    while above is not None and above.key not in seen:
        if above.key == group.key:
            return True
        seen.add(above.key)
        above = groups.get(above.group or "")
    return False


def _check_rule(pointer: str, rule: EarningRuleEntry, known: _Known) -> Iterator[Fault]:
    match known.wallets.get(rule.wallet), rule.earn:
        case None, _:
            yield Fault(f"{pointer}/wallet", FaultCode.UNKNOWN_WALLET, "is not the key of a wallet")
        case PointsWallet(), PercentOfAmount():
            message = "is not possible in a points wallet; use per_amount, or a wallet with unit money"
            yield Fault(f"{pointer}/earn/kind", FaultCode.MONEY_WALLET_REQUIRED, message)
        case PointsWallet() | MoneyWallet(), _:
            pass
    if rule.activity is not None and rule.activity not in known.activities:
        yield Fault(f"{pointer}/activity", FaultCode.UNKNOWN_ACTIVITY, "is not the key of an activity")
        return
    if rule.group is not None and rule.group not in known.groups:
        yield Fault(f"{pointer}/group", FaultCode.UNKNOWN_GROUP, "is not the key of an earning group")
    if rule.when is not None:
        yield from check_condition(f"{pointer}/when", rule.when, known.vocabulary_of(rule))
    yield from _check_earn(f"{pointer}/earn", rule, known)


def _check_earn(pointer: str, rule: EarningRuleEntry, known: _Known) -> Iterator[Fault]:
    earn = rule.earn
    match earn:
        case Fixed():
            return
        case PerValue():
            yield from _check_value(f"{pointer}/attribute", earn.attribute, known.vocabulary_of(rule))
            return
        case _:
            pass
    if rule.activity is not None and not (isinstance(earn, Multiply) and earn.of is None):
        message = "needs an order; activities earn fixed points, per_value, or multiply without lines"
        yield Fault(f"{pointer}/kind", FaultCode.ORDER_REQUIRED, message)
        return
    if earn.of is not None:
        yield from check_selection(f"{pointer}/of", earn.of, known.for_orders)
    if isinstance(earn, Multiply):
        yield from _check_multiplied(f"{pointer}/rules", rule, earn, known)


def _check_multiplied(pointer: str, rule: EarningRuleEntry, earn: Multiply, known: _Known) -> Iterator[Fault]:
    for index, key in enumerate(earn.rules or ()):
        other = known.rules.get(key)
        if other is None:
            yield Fault(f"{pointer}/{index}", FaultCode.UNKNOWN_RULE, "is not the key of an earning rule")
        elif isinstance(other.earn, Multiply) or other.wallet != rule.wallet or other.activity != rule.activity:
            message = "is never multiplied: it multiplies itself, or credits another wallet or for something else"
            yield Fault(f"{pointer}/{index}", FaultCode.NEVER_HOLDS, message, "warning")


def _check_value(pointer: str, name: str, vocabulary: Vocabulary) -> Iterator[Fault]:
    carrier = "order" if vocabulary.activity is None else "activity"
    fact = vocabulary.facts.get(f"{carrier}.attributes.{name}")
    if fact is None:
        yield Fault(pointer, FaultCode.UNDECLARED_ATTRIBUTE, f"is not a declared attribute of the {carrier}")
    elif fact.type not in ("integer", "decimal"):
        yield Fault(pointer, FaultCode.WRONG_TYPE, f"must be an integer or a decimal, not {fact.type}")


def check_times(pointer: str, rule: EarningRuleEntry | PromotionEntry, now: datetime | None) -> Iterator[Fault]:
    """Yield the faults of when a rule is open."""
    window = rule.window
    if window is None:
        return
    if window.is_empty:
        yield Fault(f"{pointer}/window", FaultCode.EMPTY_WINDOW, "ends before it starts")
        return
    if _has_passed(window, now):
        yield Fault(f"{pointer}/window/ends_at", FaultCode.WINDOW_PASSED, "lies in the past", "warning")
    if rule.schedule is not None and not window.meets(rule.schedule):
        yield Fault(f"{pointer}/schedule", FaultCode.NEVER_OPEN, "has no hour inside the window", "warning")


def _has_passed(window: Window, now: datetime | None) -> bool:
    return now is not None and window.ends_at is not None and parse_moment(window.ends_at) <= now


def _check_mixtures(rules: Sequence[EarningRuleEntry], known: _Known) -> Iterator[Fault]:
    """In one group either multipliers compete or other rules: what a multiplier gives depends on those that won."""
    kinds: dict[str, bool] = {}
    for index, rule in enumerate(rules):
        is_multiplier = isinstance(rule.earn, Multiply)
        for key in _groups_of(rule, known.groups):
            if kinds.setdefault(key, is_multiplier) != is_multiplier:
                message = f"cannot hold multipliers and other rules in the group {key}"
                yield Fault(f"/earning_rules/{index}/group", FaultCode.MIXED_GROUP, message)
                break


def _groups_of(rule: EarningRuleEntry, groups: Mapping[str, EarningGroup]) -> list[str]:
    found: list[str] = []
    group = groups.get(rule.group or "")
    while group is not None and group.key not in found:
        found.append(group.key)
        group = groups.get(group.group or "")
    return found
