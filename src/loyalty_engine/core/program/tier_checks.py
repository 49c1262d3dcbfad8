"""Static checks of tier sets: ladders that rise, and privileges of what there is."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.condition_checks import check_condition, check_selection
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode, json_pointer
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.tiers import (
    Activities,
    Calendar,
    LastsForever,
    LastsToEnd,
    Lifetime,
    MembershipYear,
    Orders,
    PointsEarned,
    Privileges,
    Quantity,
    Spend,
    Tier,
    TierSet,
    tiers_by_set,
)


@dataclass(frozen=True, slots=True)
class Nameable:
    """What tiers and plans may name."""

    wallets: Collection[str]
    promotion_groups: Collection[str]
    activities: Mapping[str, ActivityKind]
    vocabulary: Vocabulary
    plans: Collection[str]

    @classmethod
    def of(cls, program: Program) -> "Nameable":
        """Return what the tiers and plans of a program may name."""
        wallets, tier_sets, plans = (
            [wallet.key for wallet in program.wallets],
            program.tier_sets,
            keys_of(program.plans),
        )
        return cls(
            wallets=set(wallets),
            promotion_groups={group.key for group in program.promotion_groups},
            activities={kind.key: kind for kind in program.activities},
            vocabulary=Vocabulary.of(program.attributes, wallets, tier_sets=tiers_by_set(tier_sets), plans=plans),
            plans=plans,
        )


def check_tiers(program: Program) -> Iterator[Fault]:
    """Yield the faults of all tier sets."""
    known = Nameable.of(program)
    for index, tier_set in enumerate(program.tier_sets):
        yield from _check_set(f"/tier_sets/{index}", tier_set, known)


def _check_set(pointer: str, tier_set: TierSet, known: Nameable) -> Iterator[Fault]:
    yield from _check_metric(pointer, tier_set, known)
    yield from _check_ladder(f"{pointer}/tiers", tier_set.tiers)
    for place, tier in enumerate(tier_set.tiers):
        here = f"{pointer}/tiers/{place}"
        if tier.when is not None:
            yield from check_condition(f"{here}/when", tier.when, known.vocabulary)
        if tier.plan is not None and tier.plan not in known.plans:
            yield Fault(f"{here}/plan", FaultCode.UNKNOWN_PLAN, "is not the key of a plan")
        yield from check_privileges(f"{here}/privileges", tier.privileges, known)
    yield from _check_validity(pointer, tier_set)


def _check_metric(pointer: str, tier_set: TierSet, known: Nameable) -> Iterator[Fault]:
    """What counts is there, and can be counted in the window."""
    match tier_set.metric:
        case Spend() | Orders():
            return
        case PointsEarned(wallet=wallet):
            if wallet not in known.wallets:
                yield Fault(f"{pointer}/metric/wallet", FaultCode.UNKNOWN_WALLET, "is not the key of a wallet")
        case Quantity() as metric:
            yield from _check_goods(f"{pointer}/metric/of", metric, known.vocabulary)
            if isinstance(tier_set.window, Lifetime):
                message = (
                    "cannot count goods, of which the newest 1000 orders tell; use rolling, calendar or membership_year"
                )
                yield Fault(f"{pointer}/window/kind", FaultCode.UNCOUNTABLE, message)
        case Activities() as metric:
            yield from _check_activities(f"{pointer}/metric", metric, known)
            if not isinstance(tier_set.window, Lifetime | Calendar):
                message = "cannot count activities, which are counted by calendar periods; use calendar or lifetime"
                yield Fault(f"{pointer}/window/kind", FaultCode.UNCOUNTABLE, message)
        case _:
            assert_never(tier_set.metric)


def _check_goods(pointer: str, metric: Quantity, vocabulary: Vocabulary) -> Iterator[Fault]:
    if metric.of is None:
        return
    yield from check_selection(pointer, metric.of, vocabulary)
    chosen = {"": metric.of.attributes, "/except": metric.of.except_.attributes if metric.of.except_ else {}}
    for below, attributes in chosen.items():
        for name in attributes:
            if vocabulary.line_attributes.get(name) == "decimal":
                here = f"{pointer}{below}{json_pointer(('attributes', name))}"
                yield Fault(here, FaultCode.UNCOUNTABLE, "chooses goods by a decimal, which tier sets cannot")


def _check_activities(pointer: str, metric: Activities, known: Nameable) -> Iterator[Fault]:
    kind = known.activities.get(metric.activity)
    if kind is None:
        yield Fault(f"{pointer}/activity", FaultCode.UNKNOWN_ACTIVITY, "is not the key of an activity")
        return
    declared = None if metric.sum_of is None else kind.attributes.get(metric.sum_of)
    if metric.sum_of is not None and declared is None:
        message = "is not declared for activities of this kind"
        yield Fault(f"{pointer}/sum_of", FaultCode.UNDECLARED_ATTRIBUTE, message)
    elif declared is not None and declared.type != "integer":
        yield Fault(f"{pointer}/sum_of", FaultCode.WRONG_TYPE, "is not an attribute of whole numbers")


def _check_ladder(pointer: str, tiers: Sequence[Tier]) -> Iterator[Fault]:
    """Each tier has a key of its own and asks for more than those below it."""
    yield from _check_unique(pointer, "key", [tier.key for tier in tiers])
    below = -1
    for place, tier in enumerate(tiers):
        if tier.at_least is None:
            continue
        if tier.at_least <= below:
            message = "must be more than what the tiers below ask for"
            yield Fault(f"{pointer}/{place}/at_least", FaultCode.OUT_OF_RANGE, message)
        below = max(below, tier.at_least)


def check_privileges(pointer: str, privileges: Privileges, known: Nameable) -> Iterator[Fault]:
    """Yield the faults of what a tier or a plan gives."""
    multiplied = [multiplier.wallet for multiplier in privileges.multipliers]
    for place, wallet in enumerate(multiplied):
        if wallet not in known.wallets:
            here = f"{pointer}/multipliers/{place}/wallet"
            yield Fault(here, FaultCode.UNKNOWN_WALLET, "is not the key of a wallet")
    yield from _check_unique(f"{pointer}/multipliers", "wallet", multiplied)
    discount = privileges.discount
    if discount is not None and discount.of is not None:
        yield from check_selection(f"{pointer}/discount/of", discount.of, known.vocabulary)
    if discount is not None and discount.group is not None and discount.group not in known.promotion_groups:
        yield Fault(f"{pointer}/discount/group", FaultCode.UNKNOWN_GROUP, "is not the key of a promotion group")
    yield from _check_unique(f"{pointer}/entitlements", None, privileges.entitlements)


def _check_unique(pointer: str, field: str | None, keys: Sequence[str]) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for place, key in enumerate(keys):
        seen[key] += 1
        if seen[key] > 1:
            here = f"{pointer}/{place}" if field is None else f"{pointer}/{place}/{field}"
            yield Fault(here, FaultCode.DUPLICATE_KEY, "is used by an earlier entry")


def _check_validity(pointer: str, tier_set: TierSet) -> Iterator[Fault]:
    has_end = isinstance(tier_set.window, Calendar | MembershipYear)
    if isinstance(tier_set.lasts, LastsToEnd) and not has_end:
        message = "needs a window that ends: calendar or membership_year; use length"
        yield Fault(f"{pointer}/lasts/kind", FaultCode.NO_END, message)
    if isinstance(tier_set.lasts, LastsForever):
        for field in sorted({"downgrade", "grace"} & tier_set.model_fields_set):
            message = "says nothing where tiers are kept for good"
            yield Fault(f"{pointer}/{field}", FaultCode.IGNORED, message, "warning")
    yield from _check_gaps(f"{pointer}/tiers", tier_set.tiers)


def _check_gaps(pointer: str, tiers: Sequence[Tier]) -> Iterator[Fault]:
    """Something leads to some tier, and to each that is below one with a threshold; one on top may be by invitation."""
    shut = [
        place for place, tier in enumerate(tiers) if tier.at_least is None and tier.when is None and tier.plan is None
    ]
    if len(shut) == len(tiers):
        message = "lead nowhere by themselves: members come here by hand only"
        yield Fault(pointer, FaultCode.NOBODY_GETS_IT, message, "warning")
        return
    steps = {place: tier.at_least for place, tier in enumerate(tiers) if tier.at_least is not None}
    is_rising = [*steps.values()] == sorted(set(steps.values()))  # else that is the fault
    for place in shut:
        if is_rising and place < max(steps, default=-1):
            message = "is a gap: members come here by hand only, and rise past it to a tier above"
            yield Fault(f"{pointer}/{place}", FaultCode.NOBODY_GETS_IT, message, "warning")
