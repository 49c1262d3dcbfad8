"""Explain an operation: the reason of every rule of the revision that decided it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.promotions.reasons import explain_promotions
from loyalty_engine.persistence.reading.operations import OperationDetail, OperationRecord

_EARNING: Final = frozenset({"order", "reservation", "order_edit", "claim", "activity"})
"""Kinds of operation that rules decide."""
_PRICED: Final = frozenset({"order", "reservation", "order_edit"})
"""Kinds of operation that promotions decide."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why rules and promotions gave something or did not, what became of promo codes, and of tiers, as JSON."""

    rules: Sequence[Json]
    promotions: Sequence[Json]
    codes: Sequence[Json] = ()
    tiers: Sequence[Json] = ()


async def explain_operation(
    rulesets: Rulesets, program_id: int, operation: OperationRecord, detail: OperationDetail
) -> Explanation:
    """Return a reason for every rule and every promotion, in the order of the document.

    Kept are the reasons of the rules that had a say; why nobody looked at the others follows from what was seen.
    """
    rules = [reason for reason in detail.reasons if "rule" in reason]
    promotions: Sequence[Json] = [reason for reason in detail.reasons if "promotion" in reason]
    tiers: Sequence[Json] = detail.answer.get("tiers", ())
    if operation.kind not in _EARNING:
        return Explanation(rules, promotions, tiers=tiers)
    ruleset = await rulesets.at(program_id, operation.revision)
    if operation.kind in _PRICED and "seen_by_promotions" in detail.facts:
        promotions = explain_promotions(ruleset.promotions, promotions, detail.facts["seen_by_promotions"])
    is_edit_of_guest = operation.kind == "order_edit" and operation.member_id is None
    if is_edit_of_guest:  # who has nobody to credit is not judged anew
        return Explanation(rules, promotions, tiers=tiers)
    activity = detail.answer["kind"] if operation.kind == "activity" else None
    codes = detail.answer.get("codes", ())
    return Explanation(ruleset.explain(activity, rules, detail.facts.get("seen", {})), promotions, codes, tiers)
