"""What an order earns under all earning rules of a program, and the reason of every rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loyalty_engine.core.earning.rules import EarningRule
from loyalty_engine.core.rules.reasons import Reason, new
from loyalty_engine.core.rules.view import OrderView


class Grant(NamedTuple):
    """What one rule gives: ``amount`` > 0 points, or minor units, of ``wallet``."""

    rule: str
    wallet: str
    amount: int


@dataclass(frozen=True, slots=True)
class Earned:
    """The grants of the rules that applied, and a reason for every rule, both in the order of the document."""

    grants: tuple[Grant, ...]
    reasons: tuple[Reason, ...]


def evaluate_earning(rules: Sequence[EarningRule], view: OrderView) -> Earned:
    """Return what ``view`` earns. All rules that match add up; the order of lines does not matter.

    A guest's order is computed like any other: whether somebody can receive the grants is not decided here.
    """
    reasons = []
    grants = []
    for rule in rules:
        reason = rule.decide(view)
        reasons.append(reason)
        if reason.applied:
            grants.append(new(Grant, (rule.key, rule.wallet, reason.amount)))
    return Earned(tuple(grants), tuple(reasons))
