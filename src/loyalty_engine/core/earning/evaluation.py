"""What an order earns under all earning rules of a program, and the reason of every rule."""

from collections.abc import Sequence
from typing import NamedTuple

from loyalty_engine.core.earning.rules import EarningRule
from loyalty_engine.core.rules.reasons import Reason, new
from loyalty_engine.core.rules.view import OrderView


class Grant(NamedTuple):
    """What one rule gives: ``amount`` > 0 points, or minor units, of ``wallet``."""

    rule: str
    wallet: str
    amount: int


class Earned(NamedTuple):
    """The grants of the rules that applied, and a reason for every rule, both in the order of the document."""

    grants: tuple[Grant, ...]
    reasons: tuple[Reason, ...]


def evaluate_earning(rules: Sequence[EarningRule], view: OrderView) -> Earned:
    """Return what ``view`` earns. All rules that match add up; the order of lines does not matter.

    A guest's order is computed like any other: whether somebody can receive the grants is not decided here.
    """
    grants: list[Grant] = []
    reasons: list[Reason] = []
    for rule in rules:
        key, wallet = rule.key, rule.wallet
        if not rule.is_active:
            reasons.append(new(Reason, (key, False, "inactive", 0, wallet, None)))
            continue
        miss = rule.check(view)
        if miss is not None:
            reasons.append(new(Reason, (key, False, "condition_failed", 0, wallet, miss)))
            continue
        amount = rule.amount_of(view)
        if amount:
            grants.append(new(Grant, (key, wallet, amount)))
            reasons.append(new(Reason, (key, True, "applied", amount, wallet, None)))
        else:
            reasons.append(new(Reason, (key, False, "nothing_to_earn", 0, wallet, None)))
    return Earned(tuple(grants), tuple(reasons))
