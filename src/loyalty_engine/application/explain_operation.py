"""Explain an operation: the reason of every rule of the revision that decided it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.promotions.reasons import explain_promotions
from loyalty_engine.persistence.reading.operations import OperationDetail, OperationRecord

_EARNING: Final = frozenset({"order", "reservation", "order_edit", "claim", "activity"})
"""Kinds of operation that rules decide."""
_PRICED: Final = frozenset({"order", "reservation", "order_edit"})
"""Kinds of operation that promotions decide."""

_OF_REFERRALS: Final = frozenset({"referral", "referral_review", "referral_reward", "referral_reversal"})
"""Kinds of operation whose answer is a referral."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why rules and promotions gave something or did not, what became of promo codes, tiers and a friend, as JSON."""

    rules: Sequence[Json]
    promotions: Sequence[Json]
    codes: Sequence[Json] = ()
    tiers: Sequence[Json] = ()
    referral: Json = field(default_factory=dict)


async def explain_operation(
    rulesets: Rulesets, program_id: int, operation: OperationRecord, detail: OperationDetail
) -> Explanation:
    """Return a reason for every rule and every promotion, in the order of the document.

    Kept are the reasons of the rules that had a say; why nobody looked at the others follows from what was seen.
    """
    rules = [reason for reason in detail.reasons if "rule" in reason]
    promotions: Sequence[Json] = [reason for reason in detail.reasons if "promotion" in reason]
    tiers: Sequence[Json] = detail.answer.get("tiers", ())
    referral = detail.answer if operation.kind in _OF_REFERRALS else detail.answer.get("referral") or {}
    if operation.kind not in _EARNING:
        return Explanation(rules, promotions, tiers=tiers, referral=referral)
    ruleset = await rulesets.at(program_id, operation.revision)
    if operation.kind in _PRICED and "seen_by_promotions" in detail.facts:
        promotions = explain_promotions(ruleset.promotions, promotions, detail.facts["seen_by_promotions"])
    is_edit_of_guest = operation.kind == "order_edit" and operation.member_id is None
    if is_edit_of_guest:  # who has nobody to credit is not judged anew
        return Explanation(rules, promotions, tiers=tiers, referral=referral)
    activity = detail.answer["kind"] if operation.kind == "activity" else None
    return Explanation(
        ruleset.explain(activity, rules, detail.facts.get("seen", {})),
        promotions,
        detail.answer.get("codes", ()),
        tiers,
        referral,
    )
