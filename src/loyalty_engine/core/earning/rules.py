"""One earning rule, compiled: what it takes to earn, on which amount, how it is rounded, and into which wallet.

A rule compiles alone, from its own part, the policy and the vocabulary, so that a revision which changes one of 2,000
rules compiles one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import assert_never

from loyalty_engine.core.kernel.amounts import Ratio, Rounding
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.document import EarningPolicy, EarningRuleEntry, Fixed, PerAmount, PercentOfAmount
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_member_attributes
from loyalty_engine.core.rules.reasons import Reason, new
from loyalty_engine.core.rules.selections import Measure, compile_selection
from loyalty_engine.core.rules.view import OrderView

Decide = Callable[[OrderView], Reason]
Base = Callable[[OrderView], int]
"""The minor units that a rule is computed on."""


@dataclass(frozen=True, slots=True, eq=False)
class EarningRule:
    """A compiled earning rule. ``decide`` gives its reason for one order; the reason's amount is what it grants.

    ``reads_member_attributes`` tells the gather step whether the member's profile is needed.
    """

    key: str
    wallet: str
    decide: Decide
    reads_member_attributes: bool


def compile_earning(rule: EarningRuleEntry, *, policy: EarningPolicy, vocabulary: Vocabulary) -> EarningRule:
    """Return the compiled form of a rule that ``check_program`` found no error in."""
    return EarningRule(
        key=rule.key,
        wallet=rule.wallet,
        decide=_decider(rule, policy, vocabulary),
        reads_member_attributes=rule.active
        and rule.when is not None
        and reads_member_attributes(rule.when, vocabulary),
    )


def _decider(rule: EarningRuleEntry, policy: EarningPolicy, vocabulary: Vocabulary) -> Decide:
    if not rule.active:
        inactive = Reason(rule.key, applied=False, code="inactive", amount=0, wallet=rule.wallet, miss=None)
        return lambda _: inactive
    earn = rule.earn
    check = _always if rule.when is None else compile_condition(rule.when, vocabulary)
    match earn:
        case Fixed():
            return _fixed(rule, check, earn.points)
        case PerAmount():
            rate = Ratio(earn.points, earn.per)
        case PercentOfAmount():
            rate = Ratio.parse_percent(earn.rate)
        case _:
            assert_never(earn)
    return _rated(rule, check, rate, rule.rounding or policy.rounding, _base(earn.of, policy, vocabulary))


def _always(_: OrderView) -> None:
    return None


def _fixed(rule: EarningRuleEntry, check: Check, points: int) -> Decide:
    key, wallet = rule.key, rule.wallet
    applied = Reason(key, applied=True, code="applied", amount=points, wallet=wallet, miss=None)

    def decide(view: OrderView) -> Reason:
        miss = check(view)
        return applied if miss is None else new(Reason, (key, False, "condition_failed", 0, wallet, miss))

    return decide


def _rated(rule: EarningRuleEntry, check: Check, rate: Ratio, rounding: Rounding, base: Base) -> Decide:
    key, wallet = rule.key, rule.wallet
    nothing = Reason(key, applied=False, code="nothing_to_earn", amount=0, wallet=wallet, miss=None)

    def decide(view: OrderView) -> Reason:
        miss = check(view)
        if miss is not None:
            return new(Reason, (key, False, "condition_failed", 0, wallet, miss))
        amount = rate.of(base(view), rounding)
        return new(Reason, (key, True, "applied", amount, wallet, None)) if amount else nothing

    return decide


def _base(of: LineSelection | None, policy: EarningPolicy, vocabulary: Vocabulary) -> Base:
    """Return what an order earns on: the selected lines' amounts, never shipping."""
    if of is None:
        match policy.base:
            case "gross":
                return attrgetter("total")
            case "net_of_points":
                return attrgetter("net_total")
    selection = compile_selection(of, vocabulary)
    measure = Measure.of(selection, "amount" if policy.base == "gross" else "net")
    return lambda view: view.take(measure)
