"""Reservations: an order is decided and all that it takes is held, then it is confirmed as it was decided, or released."""

from datetime import datetime

from loyalty_engine.core.engine.decision import Decision
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import ConfirmReservation, ReleaseReservation, ReserveOrder
from loyalty_engine.core.engine.ruleset import Ruleset


def decide_reservation(ruleset: Ruleset, facts: Facts, request: ReserveOrder, now: datetime) -> Decision:
    """Hold what the order takes."""
    raise NotImplementedError


def decide_confirmation(ruleset: Ruleset, facts: Facts, request: ConfirmReservation, now: datetime) -> Decision:
    """Make final what was decided."""
    raise NotImplementedError


def decide_release(ruleset: Ruleset, facts: Facts, request: ReleaseReservation, now: datetime) -> Decision:
    """Let go of what is held."""
    raise NotImplementedError
