"""Properties of any life: the ledger adds up after every operation, whatever was asked and however time passed."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings

from loyalty_engine.core.engine.repricing import PricedOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.lives import LIFE, RULES, Life, Step


@settings(deadline=None)
@given(RULES, LIFE)
def test_the_ledger_adds_up_whatever_happens(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    """The store checks after each operation."""
    Life(ruleset).live(steps)


@settings(deadline=None)
@given(RULES, LIFE)
def test_limits_of_promotions_hold_what_orders_take_from_them(
    ruleset: Ruleset, steps: list[tuple[timedelta, Step]]
) -> None:
    store = Life(ruleset).live(steps).store

    held: Counter[str] = Counter()
    for kept in store.orders.values():
        priced = PricedOrder(ruleset, kept.state.edited or kept.row.order, kept.promoted)
        held.update({name: used for (name, is_shared), used in priced.uses(kept.state).items() if is_shared})
    used = {name: amount for name, amount in store.shared.items() if name.startswith("promotion/")}
    assert {name: amount for name, amount in used.items() if amount} == +held
