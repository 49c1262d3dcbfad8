"""Evaluate an order: the same decision as placing it, explained, and nothing written."""

import orjson

from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.answers import show_evaluation
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.requests import PlaceOrder


async def evaluate_order(executor: Executor, caller: Caller, request: PlaceOrder) -> Outcome:
    """Return what placing the order as a new one would answer now, with the reason of every rule."""
    match await executor.preview(caller, request):
        case Accepted(changes):
            return Outcome(orjson.dumps(show_evaluation(changes)).decode())
        case Refused(refusal):
            return Outcome(executor.render(refusal), refusal.code)
