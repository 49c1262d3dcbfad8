"""Issuing promo codes to members."""

from datetime import datetime

from loyalty_engine.core.engine.decision import Decision
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import IssueCode
from loyalty_engine.core.engine.ruleset import Ruleset


def decide_issue(ruleset: Ruleset, facts: Facts, request: IssueCode, now: datetime) -> Decision:
    """Give a member a code of its own."""
    raise NotImplementedError
