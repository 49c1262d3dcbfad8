"""Evaluate an order: the same decision as placing it, explained, and nothing written."""

import orjson

from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.answers import show_evaluation
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.requests import PlaceOrder


async def evaluate_order(executor: Executor, caller: Caller, request: PlaceOrder, *, explains_all: bool) -> Outcome:
    """Return what placing the order as a new one would answer now, with the reasons of the rules that had a say.

    With ``explains_all`` also why nobody had to look at the others: rules for goods that the order does not have.
    """
    match await executor.preview(caller, request):
        case ruleset, Accepted(changes):
            answer = show_evaluation(changes)
            if explains_all:
                answer["reasons"] = ruleset.explain(None, answer["reasons"], changes.facts.get("seen", {}))
            return Outcome(orjson.dumps(answer).decode())
        case _, Refused(refusal):
            return Outcome(executor.render(refusal), refusal.code)
