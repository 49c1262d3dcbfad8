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
from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.points.lifetimes import ActivationTerms
from loyalty_engine.core.rules.reasons import Capped, Outdone, Reason, Why, WhyNot
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


_Winner = tuple[EarningRule, Reason]
"""A rule that gives something, and the verdict on it."""


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
    remembers: bool = True,
) -> Earned:
    """Return what ``view`` earns. The order of lines does not matter.

    A guest's order is computed like any other: whether somebody can receive the grants is not decided here. Rules for
    wallets that are ``gone`` give nothing and outdo nobody. ``extras`` come last, in their order. What is only looked at
    needs no uses, and no memory of its rules: they are left out unless it ``remembers``.
    """
    found, seen = rules.index.find(view)
    hearing = _LateHearing(view, counted, gone, remembers=remembers) if gone else _Hearing(view, counted, remembers)
    return _hear(rules, found, hearing, seen, extras=extras)


def evaluate_again(
    rules: EarningRules, view: View, memory: Sequence[RuleMemory], *, extras: Sequence[Extra] = ()
) -> Mapping[str, int]:
    """Return what each rule and extra of ``memory`` gives for ``view``, what is left of the order that it is the memory of.

    Nothing gives more than it did, and what did not count then does not count now. Rules that give nothing are missing.
    """
    remembered = {kept.rule: kept for kept in memory}
    found = [rule for rule in rules.rules if rule.key in remembered]
    earned = _hear(rules, found, _Rehearing(view, remembered), {}, extras=extras)
    return {grant.rule: grant.amount for grant in earned.grants}


def _hear(
    rules: EarningRules, found: Sequence[EarningRule], hearing: "_Hearing", seen: Seen, *, extras: Sequence[Extra]
) -> Earned:
    """Judge the rules that were found, multipliers last: by what the winners among the others really give."""
    view, verdicts, multipliers = hearing.view, [], []
    for place, rule in enumerate(found):
        verdict = hearing.refuse(rule)
        if verdict is None and rule.gives is not None:
            verdict = hearing.judge(rule, rule.gives.amount(view))
        elif verdict is None:
            multipliers.append(place)
            verdict = _refused(rule, "nothing_to_earn")
        verdicts.append(verdict)
    outdone = hearing.choose(rules.groups, found, verdicts, range(len(found)))
    if multipliers:
        winners = _winners(found, verdicts)
        for place in multipliers:
            verdicts[place] = hearing.judge_multiplier(found[place], winners)
        outdone += hearing.choose(rules.groups, found, verdicts, multipliers)
    earned = hearing.close(found, verdicts, outdone, seen)
    return earned if not extras else _with_extras(earned, extras, _winners(found, verdicts), hearing)


def _winners(found: Sequence[EarningRule], verdicts: Sequence[Reason]) -> list[_Winner]:
    return [(rule, verdict) for rule, verdict in zip(found, verdicts, strict=True) if verdict.applied]


def _with_extras(earned: Earned, extras: Sequence[Extra], winners: Sequence[_Winner], hearing: "_Hearing") -> Earned:
    amounts = [
        extra.points if extra.multiplier is None else _multiplied(extra.wallet, extra.multiplier, winners, hearing.view)
        for extra in extras
    ]
    given = [(extra, hearing.limit_extra(extra, amount)) for extra, amount in zip(extras, amounts, strict=True)]
    grants = [Grant(extra.giver, extra.wallet, amount) for extra, amount in given if amount]
    memory = [RuleMemory(grant.rule, grant.amount) for grant in grants]
    return earned._replace(grants=(*earned.grants, *grants), memory=(*earned.memory, *memory))


class _Hearing:
    """Hears the rules for one view: its verdicts are the reasons that are shown of them."""

    __slots__ = ("_counted", "_remembers", "view")

    def __init__(self, view: View, counted: Counted, remembers: bool = True) -> None:  # noqa: FBT001, FBT002 - by place in less time
        self.view = view
        self._counted = counted
        self._remembers = remembers

    def refuse(self, rule: EarningRule) -> Reason | None:
        """Return why a rule gives nothing, whatever there is to earn: it is not open, or its condition does not hold."""
        view = self.view
        if rule.opening is not None and not rule.opening(view.at, view.local):
            return _refused(rule, "not_open")
        miss = None if rule.check is None else rule.check(view)
        return None if miss is None else _refused(rule, "condition_failed", miss)

    def judge(self, rule: EarningRule, wanted: int) -> Reason:
        """Return what a rule would give, as far as its limits allow."""
        if not wanted:
            return _refused(rule, "nothing_to_earn")
        amount, capped = self.limit(rule, wanted)
        if not amount:
            return _refused(rule, "limit_reached", capped)
        return new(Reason, (rule.key, True, "applied", amount, rule.wallet, capped))

    def judge_multiplier(self, rule: EarningRule, winners: Sequence[_Winner]) -> Reason:
        """Return what a rule would give that multiplies others."""
        assert rule.multiplies is not None
        return self.judge(rule, _multiplied(rule.wallet, rule.multiplies, winners, self.view))

    def limit(self, rule: EarningRule, wanted: int) -> tuple[int, Capped | None]:
        """Return how much of what a rule would give its limits allow, and the one that cut it."""
        if not rule.limits:
            return wanted, None
        return cut(rule.limits, wanted, self.view.local.date(), self._counted)

    def limit_extra(self, _: Extra, wanted: int) -> int:
        """Return how much of an extra is given: whoever adds it has limits of its own."""
        return wanted

    def choose(
        self, groups: Groups, found: Sequence[EarningRule], verdicts: list[Reason], places: Iterable[int]
    ) -> list[RuleMemory]:
        """Put the verdicts on the losers among the rules at these places right, and return what is remembered of them."""
        if groups.is_trivial:
            return []
        applied = [place for place in places if verdicts[place].applied]
        if len(applied) < 2:  # noqa: PLR2004 - one alone competes with nobody
            return []
        outdone = []
        bids = [_bid(place, found[place], verdicts[place]) for place in applied]
        for place, group in sorted(groups.find_losers(bids).items()):
            rule, amount = found[place], verdicts[place].amount
            verdicts[place] = _refused(rule, "outdone", Outdone(group, amount))
            outdone.append(RuleMemory(rule.key, amount, outdone=True, held=_held(rule, self.view)))
        return outdone

    def close(
        self, found: Sequence[EarningRule], verdicts: Sequence[Reason], outdone: Sequence[RuleMemory], seen: Seen
    ) -> Earned:
        """Return what the winners give."""
        view, remembers = self.view, self._remembers
        grants: list[Grant] = []
        uses: list[Use] = []
        memory: list[RuleMemory] = []
        for rule, verdict in zip(found, verdicts, strict=True):
            key, applied, _, amount, wallet, _ = verdict
            if not applied:
                continue
            grants.append(new(Grant, (key, wallet, amount, rule.activation)))
            if remembers:
                memory.append(new(RuleMemory, (key, amount, False, _held(rule, view) if rule.must_remember else "")))
                if rule.limits:
                    uses += _uses(rule, amount, view.local.date())
        return new(Earned, (tuple(grants), tuple(verdicts), tuple(uses), seen, (*memory, *outdone)))


class _LateHearing(_Hearing):
    """Hears the rules of an earlier revision, of whose wallets some are gone."""

    __slots__ = ("_gone",)

    def __init__(self, view: View, counted: Counted, gone: Collection[str], *, remembers: bool) -> None:
        super().__init__(view, counted, remembers=remembers)
        self._gone = gone

    def refuse(self, rule: EarningRule) -> Reason | None:
        """Refuse also where there is no wallet any more for what the rule gives."""
        return _refused(rule, "wallet_gone") if rule.wallet in self._gone else super().refuse(rule)


class _Rehearing(_Hearing):
    """Hears rules again, of which it remembers what they gave. Nobody reads its reasons."""

    __slots__ = ("_remembered",)

    def __init__(self, view: View, remembered: Mapping[str, RuleMemory]) -> None:
        super().__init__(view, NOTHING_COUNTED, remembers=False)
        self._remembered = remembered

    def refuse(self, rule: EarningRule) -> Reason | None:
        """Refuse where the condition holds no more. The rule was open, and time does not change that."""
        held = self._remembered[rule.key].held
        if rule.recall is None or rule.recall().holds(self.view, held):
            return None
        return _refused(rule, "condition_failed")

    def limit(self, rule: EarningRule, wanted: int) -> tuple[int, Capped | None]:
        """Return no more than what it gave, whatever room its limits would have by now."""
        amount = min(wanted, self._remembered[rule.key].amount)
        return amount, None if amount == wanted else Capped({}, 0, wanted)

    def limit_extra(self, extra: Extra, wanted: int) -> int:
        """Return no more than was given, and nothing of what was not."""
        remembered = self._remembered.get(extra.giver)
        return 0 if remembered is None else min(wanted, remembered.amount)


def _held(rule: EarningRule, view: View) -> str:
    """Return which parts of a rule's condition about the member held, as far as it must be remembered."""
    return rule.recall().remember(view) if rule.must_remember and rule.recall is not None else ""


def _bid(place: int, rule: EarningRule, verdict: Reason) -> Bid:
    """Return what a rule offers among its neighbours."""
    return Bid(place, rule.wallet, verdict.amount, rule.group, rule.priority)


def _multiplied(wallet: str, multiplier: Multiplier, winners: Sequence[_Winner], view: View) -> int:
    """Return what a multiplier adds to what the winners really give of a wallet, rounded once."""
    selected = None if multiplier.selection is None else GroupedLines(multiplier.selection.pick(view.base))
    total = Fraction(0)
    for rule, verdict in winners:
        if rule.gives is None or rule.wallet != wallet:
            continue
        if multiplier.rules is None or rule.key in multiplier.rules:
            wanted = verdict.why.wanted if isinstance(verdict.why, Capped) else verdict.amount
            total += rule.gives.exact(view, selected) * Fraction(verdict.amount, wanted)
    extra = total * multiplier.extra
    return Ratio(extra.numerator, extra.denominator).of(1, multiplier.rounding)


def _uses(rule: EarningRule, amount: int, day: date) -> Iterable[Use]:
    """Yield what a grant takes from its limits; two limits of one counter take once, under the tighter cap."""
    tightest: dict[tuple[str, bool], CompiledLimit] = {}
    for limit in rule.limits:
        if limit.per != "order":
            name = limit.counter_on(day), limit.per == "program"
            if name not in tightest or limit.cap < tightest[name].cap:
                tightest[name] = limit
    for (counter, is_shared), limit in tightest.items():
        yield Use(counter, amount if limit.counts_points else 1, limit.cap, is_shared)


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
