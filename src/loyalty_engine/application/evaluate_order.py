"""Evaluate an order: the same decision as placing it, explained, and nothing written."""

from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.decision import Refused
from loyalty_engine.core.engine.looks import Look
from loyalty_engine.core.engine.requests import EvaluateOrder
from loyalty_engine.core.promotions.reasons import explain_promotions
from loyalty_engine.persistence.rows import write_answer


async def evaluate_order(executor: Executor, caller: Caller, request: EvaluateOrder, *, explains_all: bool) -> Outcome:
    """Return what placing the order as a new one would answer now, with the reasons of the rules that had a say.

    With ``explains_all`` also why nobody had to look at the others: rules for goods that the order does not have.
    """
    match await executor.look(caller, request):
        case ruleset, Look(answer, seen, seen_by_promotions):
            if explains_all:
                reasons = ruleset.explain(None, answer["reasons"], seen)
                promotions = explain_promotions(ruleset.promotions, answer["promotions"], seen_by_promotions)
                answer = {**answer, "reasons": reasons, "promotions": promotions}
            return Outcome(write_answer(answer))
        case _, Refused(refusal):
            return Outcome(executor.render(refusal), refusal.code)
