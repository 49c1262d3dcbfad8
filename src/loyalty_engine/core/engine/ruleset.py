"""The ruleset: one revision of a program's document, compiled for evaluation. Immutable and shared freely."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any, Final, Literal

from loyalty_engine.core.earning.base import BasePolicy, compile_base
from loyalty_engine.core.earning.evaluation import EarningRules
from loyalty_engine.core.earning.groups import Groups
from loyalty_engine.core.earning.rules import EarningRule, compile_earning
from loyalty_engine.core.engine.privileges import compile_discounts, compile_multipliers, who_has_privileges
from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.kernel.calendars import name_of
from loyalty_engine.core.memberships.terms import PlanTerms
from loyalty_engine.core.points.lifetimes import (
    ActivationTerms,
    Expires,
    compile_activation,
    compile_expiry,
    compile_slide,
)
from loyalty_engine.core.points.passing import Slide
from loyalty_engine.core.points.redeeming import RedeemTerms
from loyalty_engine.core.program.activities import OncePer
from loyalty_engine.core.program.attributes import AttributeDefinition, ValueType
from loyalty_engine.core.program.earning import EarningRuleEntry
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.parts import PROMOTION, Entries, Part, read_part, sort_out
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.policies import OrderPolicy, ReturnPolicy
from loyalty_engine.core.program.tiers import TierSet, tiers_by_set
from loyalty_engine.core.program.wallets import MoneyRedeem, PointsRedeem, Wallet
from loyalty_engine.core.promotions.offers import Promotion, compile_promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.referrals.terms import ReferralTerms
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.past import start_of_window
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.lookback import Lookback, look_back
from loyalty_engine.core.tiers.windows import Window

AttributeTypes = Mapping[str, ValueType]
FindZone = Callable[[str], tzinfo]
"""Finds an IANA time zone by its name: reading zones is I/O, so it is handed in."""


@dataclass(frozen=True, slots=True)
class WalletRules:
    """A kind of balance; ``redeem`` None means that it cannot be spent.

    ``activation`` None means that points can be spent at once. ``expires_at`` tells when a lot expires by itself, None:
    never; ``slide`` until when an activity lets the whole wallet last, None: its expiry does not slide.
    """

    key: str
    redeem: RedeemTerms | None
    unit: Literal["points", "money"] = "points"
    activation: ActivationTerms | None = None
    expires_at: Expires | None = None
    slide: Slide | None = None


@dataclass(frozen=True, slots=True)
class ActivityRules:
    """A kind of activity; ``once_per`` None means that every one counts."""

    key: str
    once_per: OncePer | None
    attributes: AttributeTypes


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that ``decide`` needs to know of a program.

    ``rules_by_hash`` and ``context`` (the hashes of what every rule is compiled with) let the next revision take over
    the rules that did not change. ``published_at`` is since when the revision is in force, None: since ever. ``gone`` are
    wallets that it has and the program has no longer: nothing is given in them any more. ``keeps_codes_used``: promo codes
    stay used whatever becomes of the order. ``ladders`` are its tier sets, ``plans`` its plans, ``lookback`` what the former look at, None: there are none.
    """

    revision: int
    currency: str
    zone: tzinfo
    unknown_card: Literal["enrol", "park", "refuse"]
    orders: OrderPolicy
    returns: ReturnPolicy
    wallets: Mapping[str, WalletRules]
    activities: Mapping[str, ActivityRules]
    member_attributes: AttributeTypes
    order_attributes: AttributeTypes
    line_attributes: AttributeTypes
    base: BasePolicy
    order_rules: EarningRules
    activity_rules: Mapping[str, EarningRules]
    promotions: Promotions
    reads_profile: bool
    reads_history: bool
    rules_by_hash: Mapping[str, EarningRule]
    context: tuple[str, ...]
    published_at: datetime | None = None
    gone: frozenset[str] = frozenset()
    keeps_codes_used: bool = False
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    plans: Mapping[str, PlanTerms] = field(default_factory=dict)
    referrals: Mapping[str, ReferralTerms] = field(default_factory=dict)
    lookback: Lookback | None = None
    has_decimals: bool = field(init=False)
    """Whether orders or their lines may carry decimal attributes: texts, until rules see them."""

    def __post_init__(self) -> None:
        declared = (*self.order_attributes.values(), *self.line_attributes.values())
        object.__setattr__(self, "has_decimals", "decimal" in declared)

    def history_range(self, at: datetime, activity: str | None = None) -> HistoryRange | None:
        """Return which earlier orders the rules for an order, or a kind of activity, ask for; None: for none."""
        if not self.reads_history:
            return None
        local = at.astimezone(self.zone)
        looking_back: list[EarningRule | Promotion] = [*self._rules_for(activity)]
        if activity is None:
            looking_back += self.promotions.looking_back
        asked = [
            window
            for rule in looking_back
            if rule.opening is None or rule.opening(at, local)
            for window in rule.history
        ]
        if not asked:
            return None
        starts = [start_of_window(window, at, self.zone) for window, _ in asked]
        since = min((start for start in starts if start is not None), default=None)
        return HistoryRange(None if None in starts else since, at, any(with_lines for _, with_lines in asked))

    def shared_counters(
        self, at: datetime, activity: str | None = None, *, location: str | None = None
    ) -> tuple[str, ...]:
        """Return the shared counters that an order placed then and there, or an activity of that kind, may take from."""
        limits = [limit for rule in self._rules_for(activity) for limit in rule.limits if limit.per == "program"]
        caps = self.promotions.shared_caps if activity is None else ()
        if not limits and not caps:
            return ()
        day = at.astimezone(self.zone).date()
        counters = [limit.counter_on(day) for limit in limits]
        return tuple(dict.fromkeys(counters + [cap.counter_on(day, location) for cap in caps]))

    def mark_of(self, activity: str, subject: str | None, at: datetime) -> str | None:
        """Return the mark that an activity sets once per member; None when its kind counts every time or is unknown."""
        kind = self.activities.get(activity)
        match kind.once_per if kind is not None else None:
            case None:
                return None
            case "subject":
                return subject
            case "lifetime":
                return ""
            case period:
                return name_of(period, at.astimezone(self.zone).date())

    def explain(
        self, activity: str | None, shown: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]
    ) -> list[Mapping[str, Any]]:
        """Return a reason as JSON for every rule for orders, or for that kind of activity: those that were ``shown``,
        and for each other rule why nobody had to look at it, given the facts that were ``seen``.
        """
        rules = self.order_rules if activity is None else self.activity_rules.get(activity)
        if rules is None:
            return list(shown)
        return rules.explain_all(shown, seen)

    def _rules_for(self, activity: str | None) -> Sequence[EarningRule]:
        rules = self.order_rules if activity is None else self.activity_rules.get(activity)
        return () if rules is None else rules.demanding


def compile_ruleset(
    parts: Sequence[Part],
    revision: int,
    previous: Ruleset | None = None,
    *,
    find_zone: FindZone,
    published_at: datetime | None = None,
) -> Ruleset:
    """Compile the parts of a published revision; rules that ``previous`` compiled under the same context are reused."""
    entries = sort_out(parts)
    zone = find_zone(entries.settings.program.time_zone)
    context = tuple(part.content_hash for part in parts if not part.key.startswith((_RULE, PROMOTION)))
    known = previous.rules_by_hash if previous is not None and previous.context == context else {}
    vocabularies = _vocabularies(entries)
    policies = entries.settings.policies
    rules: dict[str, EarningRule] = {}
    for part in parts:
        if part.key.startswith(_RULE):
            rules[part.content_hash] = known.get(part.content_hash) or _compile_rule(part, entries, vocabularies, zone)
    promotions = _compile_promotions(entries, vocabularies[None], zone)
    ladders = _compile_ladders(entries.tier_sets, vocabularies[None], zone)
    groups = Groups({group.key: group for group in entries.groups}, policies.earning.choose)
    by_trigger: dict[str | None, list[EarningRule]] = {name: [] for name in vocabularies}
    privileged = who_has_privileges(entries.tier_sets, entries.plans)
    multipliers = compile_multipliers(privileged, policies=policies, vocabulary=vocabularies[None], zone=zone)
    for rule in (*rules.values(), *multipliers):
        by_trigger[rule.activity].append(rule)
    compiled = {name: EarningRules.of(some, groups) for name, some in by_trigger.items()}
    return Ruleset(
        revision=revision,
        currency=entries.settings.program.currency,
        zone=zone,
        unknown_card=entries.settings.program.unknown_card,
        orders=entries.settings.policies.orders,
        returns=entries.settings.policies.returns,
        wallets={wallet.key: _compile_wallet(wallet, zone) for wallet in entries.wallets},
        activities={
            kind.key: ActivityRules(kind.key, kind.once_per, _types(kind.attributes)) for kind in entries.activities
        },
        member_attributes=_types(entries.attributes.member),
        order_attributes=_types(entries.attributes.order),
        line_attributes=_types(entries.attributes.line),
        base=compile_base(policies.earning, vocabularies[None]),
        order_rules=compiled[None],
        activity_rules={name: some for name, some in compiled.items() if name is not None},
        promotions=promotions,
        reads_profile=any(rule.reads_profile for rule in rules.values())
        or any(promotion.reads_profile for promotion in promotions.promotions)
        or any(ladder.reads_profile for ladder in ladders.values()),
        reads_history=any(rule.history for rule in rules.values())
        or any(promotion.history for promotion in promotions.promotions),
        rules_by_hash=rules,
        context=context,
        published_at=published_at,
        keeps_codes_used=entries.settings.policies.promotions.codes_after_return == "stays_used",
        ladders=ladders,
        lookback=look_back(ladders.values()),
        plans={plan.key: PlanTerms.of(plan, zone) for plan in entries.plans},
        referrals={entry.key: ReferralTerms.of(entry, vocabularies[None], zone) for entry in entries.referrals},
    )


def as_of_then(now: Ruleset, then: Ruleset) -> Ruleset:
    """Return the rules of an earlier revision, ``then``, as they decide about what is only heard of ``now``.

    They give nothing in wallets that are gone or count something else by now, because nobody could spend or explain it;
    and whether a balance slides, or how members climb tiers, is a matter of today. Attributes that only today's program
    declares are accepted, though no rule of then sees them: whoever sends late may have been updated meanwhile.
    """
    kept = {key: wallet for key, wallet in then.wallets.items() if _is_kept(wallet, now.wallets.get(key))}
    return replace(
        then,
        wallets={key: replace(wallet, slide=now.wallets[key].slide) for key, wallet in kept.items()},
        gone=frozenset(then.wallets.keys() - kept.keys()),
        ladders=now.ladders,
        lookback=now.lookback,
        order_attributes={**now.order_attributes, **then.order_attributes},
        line_attributes={**now.line_attributes, **then.line_attributes},
    )


def _is_kept(then: WalletRules, now: WalletRules | None) -> bool:
    return now is not None and now.unit == then.unit


_RULE: Final = "earning_rule/"


def _vocabularies(entries: Entries) -> dict[str | None, Vocabulary]:
    """Return the words of rules by their trigger: a kind of activity, or None for orders."""
    wallets = [wallet.key for wallet in entries.wallets]
    tiers, plans = tiers_by_set(entries.tier_sets), keys_of(entries.plans)
    words: dict[str | None, Vocabulary] = {
        None: Vocabulary.of(entries.attributes, wallets, tier_sets=tiers, plans=plans)
    }
    for kind in entries.activities:
        words[kind.key] = Vocabulary.of(entries.attributes, wallets, kind, tier_sets=tiers, plans=plans)
    return words


def _compile_rule(
    part: Part, entries: Entries, vocabularies: Mapping[str | None, Vocabulary], zone: tzinfo
) -> EarningRule:
    rule = read_part(part)
    assert isinstance(rule, EarningRuleEntry)
    policy = entries.settings.policies.earning
    return compile_earning(rule, policy=policy, vocabulary=vocabularies[rule.activity], zone=zone)


def _compile_promotions(entries: Entries, vocabulary: Vocabulary, zone: tzinfo) -> Promotions:
    policies, first = entries.settings.policies, len(entries.promotions)
    policy, rounding = policies.promotions, policies.earning.rounding
    compiled = tuple(
        compile_promotion(entry, position, policy=policy, vocabulary=vocabulary, zone=zone, rounding_of_points=rounding)
        for position, entry in enumerate(entries.promotions)
    )
    privileged = who_has_privileges(entries.tier_sets, entries.plans)
    discounts = compile_discounts(privileged, first, policies=policies, vocabulary=vocabulary, zone=zone)
    return Promotions((*compiled, *discounts), {group.key: group for group in entries.promotion_groups}, policy.choose)


def _compile_ladders(tier_sets: Iterable[TierSet], vocabulary: Vocabulary, zone: tzinfo) -> Mapping[str, Ladder]:
    return {written.key: Ladder.of(written, Window(written.window, zone), vocabulary) for written in tier_sets}


def _compile_wallet(wallet: Wallet, zone: tzinfo) -> WalletRules:
    return WalletRules(
        wallet.key,
        _compile_redeem(wallet.redeem),
        wallet.unit,
        None if wallet.activation is None else compile_activation(wallet.activation, zone),
        compile_expiry(wallet.expiry, zone),
        compile_slide(wallet.expiry, zone),
    )


def _compile_redeem(redeem: PointsRedeem | MoneyRedeem | None) -> RedeemTerms | None:
    if redeem is None:
        return None
    return RedeemTerms(
        worth=redeem.worth,
        min_points=redeem.min_points,
        step=redeem.step,
        max_share=Ratio.parse_percent(redeem.max_share),
    )


def _types(declared: Mapping[str, AttributeDefinition]) -> AttributeTypes:
    return {name: definition.type for name, definition in declared.items()}
