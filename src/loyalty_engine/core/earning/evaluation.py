"""What an order or activity earns under the earning rules of a program, and the reason of every rule that had a say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from loyalty_engine.core.earning.extras import Extra
from loyalty_engine.core.earning.groups import Bid, Groups
from loyalty_engine.core.earning.index import FactDoor, Index, LineDoor, Seen
from loyalty_engine.core.earning.limits import NOTHING_COUNTED, CompiledLimit, Counted, cut
from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.earning.rules import EarningRule, Multiplier
from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.points.lifetimes import ActivationTerms
from loyalty_engine.core.rules.reasons import Capped, Outdone, Reason, Why, WhyNot, new
from loyalty_engine.core.rules.selections import GroupedLines
from loyalty_engine.core.rules.view import View


class Grant(NamedTuple):
    """What one rule, or extra, gives: ``amount`` > 0 points, or minor units, of ``wallet``. ``activation`` is the rule's own."""

    rule: str
    wallet: str
    amount: int
    activation: ActivationTerms | None = None


class Use(NamedTuple):
    """What a grant takes from a limit's counter, which may hold ``cap`` at most. ``is_shared``: not the member's own."""

    counter: str
    amount: int
    cap: int
    is_shared: bool


class Earned(NamedTuple):
    """The grants, a reason for every rule that was looked at, what limits count, and what the index saw.

    Grants and reasons are in the order of the document. ``memory`` is what it takes to judge the rules again.
    """

    grants: tuple[Grant, ...]
    reasons: tuple[Reason, ...]
    uses: tuple[Use, ...]
    seen: Seen
    memory: tuple[RuleMemory, ...] = ()


class _Verdict(NamedTuple):
    """What one rule would give: ``amount`` after its limits, of which ``capped`` tells if they cut ``wanted``."""

    position: int
    rule: EarningRule
    wanted: int
    amount: int
    capped: Capped | None

    def as_bid(self) -> Bid:
        """Return what the rule offers among its neighbours."""
        return Bid(self.position, self.rule.wallet, self.amount, self.rule.group, self.rule.priority)


@dataclass(frozen=True, slots=True, eq=False)
class EarningRules:
    """All rules for orders, or for one kind of activity, ready to be evaluated."""

    rules: tuple[EarningRule, ...]
    groups: Groups
    index: Index[EarningRule]
    demanding: tuple[EarningRule, ...]
    """Those in use that ask for earlier orders, or take from shared counters."""

    @classmethod
    def of(cls, rules: Iterable[EarningRule], groups: Groups) -> "EarningRules":
        """Index the rules; those that are switched off are never looked at."""
        listed = tuple(rules)
        active = [rule for rule in listed if rule.is_active]
        demanding = tuple(rule for rule in active if rule.history or any(x.per == "program" for x in rule.limits))
        return cls(listed, groups, Index([(rule, rule.door) for rule in active]), demanding)

    def explain_all(self, shown: Sequence[Mapping[str, Any]], seen: Seen) -> list[Mapping[str, Any]]:
        """Return a reason as JSON for every rule: those shown, and why nobody had to look at the others."""
        given = {reason["rule"]: reason for reason in shown}
        return [given.get(rule.key) or _explain_unseen(rule, seen).as_json() for rule in self.rules]


def evaluate_earning(
    rules: EarningRules,
    view: View,
    counted: Counted = NOTHING_COUNTED,
    *,
    gone: Collection[str] = (),
    extras: Sequence[Extra] = (),
) -> Earned:
    """Return what ``view`` earns. The order of lines does not matter.

    A guest's order is computed like any other: whether somebody can receive the grants is not decided here. Rules for
    wallets that are ``gone`` give nothing and outdo nobody. ``extras`` come last, in their order.
    """
    found, seen = rules.index.find(view)
    hearing = _LateHearing(view, counted, gone) if gone else _Hearing(view, counted)
    return _hear(rules, found, hearing, seen, extras=extras)


def evaluate_again(
    rules: EarningRules, view: View, memory: Sequence[RuleMemory], *, extras: Sequence[Extra] = ()
) -> Mapping[str, int]:
    """Return what each rule and extra of ``memory`` gives for ``view``, what is left of the order that it is the memory of.

    Nothing gives more than it did, and what did not count then does not count now. Rules that give nothing are missing.
    """
    remembered = {kept.rule: kept for kept in memory}
    found = [(position, rule) for position, rule in enumerate(rules.rules) if rule.key in remembered]
    earned = _hear(rules, found, _Rehearing(view, remembered), {}, extras=extras)
    return {grant.rule: grant.amount for grant in earned.grants}


def _hear(
    rules: EarningRules,
    found: Iterable[tuple[int, EarningRule]],
    hearing: "_Hearing",
    seen: Seen,
    *,
    extras: Sequence[Extra],
) -> Earned:
    view = hearing.view
    multipliers: list[tuple[int, EarningRule, Multiplier]] = []
    for position, rule in found:
        if not hearing.admits(position, rule):
            continue
        if rule.multiplies is not None:
            multipliers.append((position, rule, rule.multiplies))
        elif rule.gives is not None:
            hearing.judge(position, rule, rule.gives.amount(view))
    winners = hearing.choose(rules.groups)
    if multipliers:
        for position, rule, multiplier in multipliers:
            hearing.judge(position, rule, _multiplied(rule.wallet, multiplier, winners, view))
        winners = [*winners, *hearing.choose(rules.groups)]
    earned = hearing.close(sorted(winners), seen)
    return earned if not extras else _with_extras(earned, extras, winners, hearing)


def _with_extras(earned: Earned, extras: Sequence[Extra], winners: Sequence["_Verdict"], hearing: "_Hearing") -> Earned:
    amounts = [
        extra.points if extra.multiplier is None else _multiplied(extra.wallet, extra.multiplier, winners, hearing.view)
        for extra in extras
    ]
    given = [(extra, hearing.limit_extra(extra, amount)) for extra, amount in zip(extras, amounts, strict=True)]
    grants = [Grant(extra.giver, extra.wallet, amount) for extra, amount in given if amount]
    memory = [RuleMemory(grant.rule, grant.amount) for grant in grants]
    return earned._replace(grants=(*earned.grants, *grants), memory=(*earned.memory, *memory))


class _Hearing:
    """Hears the rules for one view: collects what they would give, and the reasons of those that give nothing."""

    __slots__ = ("_bids", "_counted", "_memory", "_reasons", "view")

    def __init__(self, view: View, counted: Counted) -> None:
        self.view = view
        self._counted = counted
        self._bids: list[_Verdict] = []
        self._reasons: list[tuple[int, Reason]] = []
        self._memory: list[RuleMemory] = []

    def admits(self, position: int, rule: EarningRule) -> bool:
        """Tell whether a rule is open and its condition holds."""
        view = self.view
        if rule.opening is not None and not rule.opening(view.at, view.local):
            self._reasons.append((position, _refused(rule, "not_open")))
            return False
        miss = None if rule.check is None else rule.check(view)
        if miss is None:
            return True
        self._reasons.append((position, _refused(rule, "condition_failed", miss)))
        return False

    def judge(self, position: int, rule: EarningRule, wanted: int) -> None:
        """Enter what a rule would give, as far as its limits allow."""
        if not wanted:
            self._reasons.append((position, _refused(rule, "nothing_to_earn")))
            return
        amount, capped = self.limit(rule, wanted)
        if amount:
            self._bids.append(new(_Verdict, (position, rule, wanted, amount, capped)))
        else:
            self._reasons.append((position, _refused(rule, "limit_reached", capped)))

    def limit(self, rule: EarningRule, wanted: int) -> tuple[int, Capped | None]:
        """Return how much of what a rule would give its limits allow, and the one that cut it."""
        if not rule.limits:
            return wanted, None
        return cut(rule.limits, wanted, self.view.local.date(), self._counted)

    def limit_extra(self, _: Extra, wanted: int) -> int:
        """Return how much of an extra is given: whoever adds it has limits of its own."""
        return wanted

    def choose(self, groups: Groups) -> list[_Verdict]:
        """Return those heard since the last choice that win in their groups."""
        heard, self._bids = self._bids, []
        if groups.is_trivial or len(heard) < 2:  # noqa: PLR2004 - one alone competes with nobody
            return heard
        losers = groups.find_losers([v.as_bid() for v in heard])
        for verdict in heard:
            if verdict.position in losers:
                outdone = Outdone(losers[verdict.position], verdict.amount)
                self._reasons.append((verdict.position, _refused(verdict.rule, "outdone", outdone)))
                self._memory.append(_remember(verdict, self.view, outdone=True))
        return [verdict for verdict in heard if verdict.position not in losers]

    def close(self, winners: Sequence[_Verdict], seen: Seen) -> Earned:
        """Return what the winners give."""
        reasons = self._reasons
        for position, rule, _, amount, capped in winners:
            reasons.append((position, new(Reason, (rule.key, True, "applied", amount, rule.wallet, capped))))
        reasons.sort()  # by position, which no two share
        return Earned(
            grants=tuple([new(Grant, (v.rule.key, v.rule.wallet, v.amount, v.rule.activation)) for v in winners]),
            reasons=tuple([reason for _, reason in reasons]),
            uses=tuple([use for v in winners if v.rule.limits for use in _uses(v, self.view.local.date())]),
            seen=seen,
            memory=(*[_remember(v, self.view) for v in winners], *self._memory),
        )


class _LateHearing(_Hearing):
    """Hears the rules of an earlier revision, of whose wallets some are gone."""

    __slots__ = ("_gone",)

    def __init__(self, view: View, counted: Counted, gone: Collection[str]) -> None:
        super().__init__(view, counted)
        self._gone = gone

    def admits(self, position: int, rule: EarningRule) -> bool:
        """Tell also whether there is still a wallet for what the rule gives."""
        if rule.wallet not in self._gone:
            return super().admits(position, rule)
        self._reasons.append((position, _refused(rule, "wallet_gone")))
        return False


class _Rehearing(_Hearing):
    """Hears rules again, of which it remembers what they gave."""

    __slots__ = ("_remembered",)

    def __init__(self, view: View, remembered: Mapping[str, RuleMemory]) -> None:
        super().__init__(view, NOTHING_COUNTED)
        self._remembered = remembered

    def admits(self, position: int, rule: EarningRule) -> bool:  # noqa: ARG002 - nobody reads reasons of this
        """Tell whether the condition still holds. The rule was open, and time does not change that."""
        return rule.recall is None or rule.recall().holds(self.view, self._remembered[rule.key].held)

    def limit(self, rule: EarningRule, wanted: int) -> tuple[int, Capped | None]:
        """Return no more than what it gave, whatever room its limits would have by now."""
        return min(wanted, self._remembered[rule.key].amount), None

    def limit_extra(self, extra: Extra, wanted: int) -> int:
        """Return no more than was given, and nothing of what was not."""
        remembered = self._remembered.get(extra.giver)
        return 0 if remembered is None else min(wanted, remembered.amount)


def _remember(verdict: _Verdict, view: View, *, outdone: bool = False) -> RuleMemory:
    rule = verdict.rule
    held = rule.recall().remember(view) if rule.must_remember and rule.recall is not None else ""
    return new(RuleMemory, (rule.key, verdict.amount, outdone, held))


def _multiplied(wallet: str, multiplier: Multiplier, winners: Sequence[_Verdict], view: View) -> int:
    """Return what a multiplier adds to what the winners really give of a wallet, rounded once."""
    selected = None if multiplier.selection is None else GroupedLines(multiplier.selection.pick(view.base))
    total = Fraction(0)
    for winner in winners:
        gives = winner.rule.gives
        if gives is None or winner.rule.wallet != wallet:
            continue
        if multiplier.rules is None or winner.rule.key in multiplier.rules:
            total += gives.exact(view, selected) * Fraction(winner.amount, winner.wanted)
    extra = total * multiplier.extra
    return Ratio(extra.numerator, extra.denominator).of(1, multiplier.rounding)


def _uses(verdict: _Verdict, day: date) -> Iterable[Use]:
    """Yield what a grant takes from its limits; two limits of one counter take once, under the tighter cap."""
    tightest: dict[tuple[str, bool], CompiledLimit] = {}
    for limit in verdict.rule.limits:
        if limit.per != "order":
            name = limit.counter_on(day), limit.per == "program"
            if name not in tightest or limit.cap < tightest[name].cap:
                tightest[name] = limit
    for (counter, is_shared), limit in tightest.items():
        yield Use(counter, verdict.amount if limit.counts_points else 1, limit.cap, is_shared)


def _refused(rule: EarningRule, code: WhyNot, why: Why | None = None) -> Reason:
    return new(Reason, (rule.key, False, code, 0, rule.wallet, why))


def _explain_unseen(rule: EarningRule, seen: Seen) -> Reason:
    """Return why nobody had to look at a rule."""
    if not rule.is_active:
        return _refused(rule, "inactive")
    match rule.door:
        case LineDoor(miss=None) | None:
            return _refused(rule, "nothing_to_earn")
        case LineDoor(miss=miss):
            return _refused(rule, "condition_failed", miss)
        case FactDoor() as door:
            return _refused(rule, "condition_failed", door.miss(seen))
