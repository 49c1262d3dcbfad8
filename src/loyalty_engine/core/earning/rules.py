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
from loyalty_engine.core.rules.selections import compile_selection, measure_of
from loyalty_engine.core.rules.view import OrderView

Amount = Callable[[OrderView], int]
"""Minor units to compute on, or what a rule gives; 0 when there is nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class EarningRule:
    """A compiled earning rule: while it is active and ``check`` misses nothing, an order earns ``amount_of`` it.

    ``reads_member_attributes`` tells the gather step whether the member's profile is needed.
    """

    key: str
    wallet: str
    is_active: bool
    check: Check
    amount_of: Amount
    reads_member_attributes: bool


def compile_earning(rule: EarningRuleEntry, *, policy: EarningPolicy, vocabulary: Vocabulary) -> EarningRule:
    """Return the compiled form of a rule that ``check_program`` found no error in."""
    when = rule.when
    return EarningRule(
        key=rule.key,
        wallet=rule.wallet,
        is_active=rule.active,
        check=_always if when is None else compile_condition(when, vocabulary),
        amount_of=_amount(rule, policy, vocabulary),
        reads_member_attributes=rule.active and when is not None and reads_member_attributes(when, vocabulary),
    )


def _always(_: OrderView) -> None:
    return None


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
                return attrgetter("total")
            case "net_of_points":
                return attrgetter("net_total")
    measure = measure_of(compile_selection(of, vocabulary), "amount")
    match policy.base:
        case "gross":
            return lambda view: measure(view.lines)
        case "net_of_points":
            return lambda view: measure(view.net_lines)
