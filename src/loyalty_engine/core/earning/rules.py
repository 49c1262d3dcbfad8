"""One earning rule, compiled: when it is open, what it takes to earn, how much it gives, and into which wallet.

A rule compiles alone, from its own part, the policy and the vocabulary, so that a revision which changes one of 2,000
rules compiles one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from functools import cache, partial
from typing import Final

from loyalty_engine.core.earning.index import Door, find_door
from loyalty_engine.core.earning.limits import CompiledLimit, compile_limits
from loyalty_engine.core.earning.yields import Yield, compile_yield
from loyalty_engine.core.kernel.amounts import Rounding
from loyalty_engine.core.kernel.quantities import SCALE, parse_quantity
from loyalty_engine.core.points.lifetimes import ActivationTerms, compile_activation
from loyalty_engine.core.program.conditions import HistoryComparison, HistoryWindow, walk
from loyalty_engine.core.program.earning import EarningPolicy, EarningRuleEntry, Multiply
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.promotions import PointsTimes
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_profile
from loyalty_engine.core.rules.openings import Opening, compile_opening
from loyalty_engine.core.rules.recall import Recall, compile_recall, must_remember
from loyalty_engine.core.rules.selections import Selection, compile_selection
from loyalty_engine.core.rules.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Multiplier:
    """How a rule multiplies others: ``extra`` is what it adds per unit that they give, exactly.

    ``selection`` are the lines whose share is multiplied, None: everything; ``rules`` the keys, None: all of the wallet.
    """

    extra: Fraction
    selection: Selection | None
    rules: frozenset[str] | None
    rounding: Rounding


@dataclass(frozen=True, slots=True, eq=False)
class EarningRule:
    """A compiled earning rule. It gives by itself (``gives``), or multiplies others (``multiplies``).

    ``door`` names what an order must have for the rule to be looked at, None when it always is. ``history`` are the
    windows that its condition looks back over, and whether it wants to know what was bought. ``activation`` is when its
    points can be spent, None: as the wallet says. ``recall`` makes what judges it again when goods come back, None: it has
    no condition; ``must_remember`` tells whether that needs to know which parts about the member held.
    """

    key: str
    wallet: str
    activity: str | None
    is_active: bool
    opening: Opening | None
    check: Check | None
    gives: Yield | None
    multiplies: Multiplier | None
    limits: tuple[CompiledLimit, ...]
    group: str | None
    priority: int
    door: Door | None
    reads_profile: bool
    history: tuple[tuple[HistoryWindow, bool], ...]
    activation: ActivationTerms | None
    recall: Callable[[], Recall] | None
    must_remember: bool

    def is_open(self, view: View) -> bool:
        """Tell whether the rule is open when it happened."""
        return self.opening is None or self.opening(view.at, view.local)


_ONE: Final = Fraction(1)


def compile_earning(
    rule: EarningRuleEntry, *, policy: EarningPolicy, vocabulary: Vocabulary, zone: tzinfo
) -> EarningRule:
    """Return the compiled form of a rule that ``check_program`` found no error in.

    ``vocabulary`` must be that of the rule's activity, or of orders.
    """
    when, earn = rule.when, rule.earn
    rounding = rule.rounding or policy.rounding
    multiplies = compile_multiplier(earn, rounding, vocabulary) if isinstance(earn, Multiply) else None
    gives = None if isinstance(earn, Multiply) else compile_yield(earn, rounding, vocabulary)
    computed_on = multiplies.selection if multiplies is not None else gives.selection if gives is not None else None
    return EarningRule(
        key=rule.key,
        wallet=rule.wallet,
        activity=rule.activity,
        is_active=rule.active,
        opening=compile_opening(rule.window, rule.schedule, zone),
        check=None if when is None else compile_condition(when, vocabulary),
        gives=gives,
        multiplies=multiplies,
        limits=compile_limits(rule.key, rule.limits),
        group=rule.group,
        priority=rule.priority,
        door=find_door(when, computed_on, vocabulary),
        reads_profile=rule.active and when is not None and reads_profile(when, vocabulary),
        history=()
        if when is None or not rule.active
        else tuple(
            (node.history, node.reads_lines) for _, _, node in walk(when) if isinstance(node, HistoryComparison)
        ),
        activation=None if rule.activation is None else compile_activation(rule.activation, zone),
        recall=None if when is None else cache(partial(compile_recall, when, vocabulary)),
        must_remember=when is not None and must_remember(when),
    )


def compile_multiplier(earn: Multiply | PointsTimes, rounding: Rounding, vocabulary: Vocabulary) -> Multiplier:
    """Return how a rule, or a promotion, multiplies what rules give."""
    rules = earn.rules if isinstance(earn, Multiply) else None
    return Multiplier(
        extra=Fraction(parse_quantity(str(earn.factor)), SCALE) - _ONE,
        selection=None if earn.of is None else compile_selection(earn.of, vocabulary),
        rules=None if rules is None else frozenset(rules),
        rounding=rounding,
    )
