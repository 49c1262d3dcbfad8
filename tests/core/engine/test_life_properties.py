"""Properties of any life: the ledger adds up after every operation, whatever was asked and however time passed."""

from datetime import timedelta

from hypothesis import given, settings

from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.lives import LIFE, RULES, Life, Step


@settings(deadline=None)
@given(RULES, LIFE)
def test_the_ledger_adds_up_whatever_happens(ruleset: Ruleset, steps: list[tuple[timedelta, Step]]) -> None:
    """The store checks after each operation."""
    Life(ruleset).live(steps)
