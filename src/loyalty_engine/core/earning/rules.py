"""One earning rule, compiled: what it takes to earn, on which amount, how it is rounded, and into which wallet.

A rule compiles alone, from its own part, the policy and the vocabulary, so that a revision which changes one of 2,000
rules compiles one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from loyalty_engine.core.kernel.amounts import Ratio, Rounding
from loyalty_engine.core.program.conditions import LineSelection
from loyalty_engine.core.program.document import EarningPolicy, EarningRuleEntry, Fixed, PerAmount, PercentOfAmount
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_member_attributes
from loyalty_engine.core.rules.reasons import Reason
from loyalty_engine.core.rules.selections import compile_selection
from loyalty_engine.core.rules.view import OrderView

Amount = Callable[[OrderView], int]
"""How much a rule gives an order that meets its condition; 0 when there is nothing to earn on."""


@dataclass(frozen=True, slots=True, eq=False)
class EarningRule:
    """A compiled earning rule. ``decide`` gives its reason for one order; the reason's amount is what it grants.

    ``reads_member_attributes`` tells the gather step whether the member's profile is needed.
    """

    key: str
    wallet: str
    decide: Callable[[OrderView], Reason]
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


def _decider(rule: EarningRuleEntry, policy: EarningPolicy, vocabulary: Vocabulary) -> Callable[[OrderView], Reason]:
    key, wallet = rule.key, rule.wallet
    if not rule.active:
        inactive = Reason(key, applied=False, code="inactive", amount=0, wallet=wallet, miss=None)
        return lambda _: inactive
    nothing = Reason(key, applied=False, code="nothing_to_earn", amount=0, wallet=wallet, miss=None)
    check: Check = (lambda _: None) if rule.when is None else compile_condition(rule.when, vocabulary)
    new = tuple.__new__  # twice as fast as calling the named tuple, and this runs for every rule of every order
    amount_of = _amount(rule, policy, vocabulary)

    def decide(view: OrderView) -> Reason:
        miss = check(view)
        if miss is not None:
            return new(Reason, (key, False, "condition_failed", 0, wallet, miss))
        amount = amount_of(view)
        return new(Reason, (key, True, "applied", amount, wallet, None)) if amount else nothing

    return decide


def _amount(rule: EarningRuleEntry, policy: EarningPolicy, vocabulary: Vocabulary) -> Amount:
    earn = rule.earn
    rounding = rule.rounding or policy.rounding
    match earn:
        case Fixed(points=points):
            return lambda _: points
        case PerAmount():
            return _rated(Ratio(earn.points, earn.per), rounding, _base(earn.of, policy, vocabulary))
        case PercentOfAmount():
            return _rated(Ratio.parse_percent(earn.rate), rounding, _base(earn.of, policy, vocabulary))
        case _:
            assert_never(earn)


def _rated(rate: Ratio, rounding: Rounding, base: Amount) -> Amount:
    return lambda view: rate.of(base(view), rounding)


def _base(of: LineSelection | None, policy: EarningPolicy, vocabulary: Vocabulary) -> Amount:
    """Return what an order earns on: the selected lines' amounts, never shipping."""
    if of is None:
        match policy.base:
            case "gross":
                return lambda view: view.total
            case "net_of_points":
                return lambda view: view.net_total
    selection = compile_selection(of, vocabulary)
    match policy.base:
        case "gross":
            return lambda view: view.totals_of(selection).amount
        case "net_of_points":
            return lambda view: view.totals_of(selection).net
