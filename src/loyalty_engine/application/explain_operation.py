"""Explain an operation: the reason of every rule of the revision that decided it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.persistence.reading.operations import OperationDetail, OperationRecord

_EARNING: Final = frozenset({"order", "order_edit", "claim", "activity"})
"""Kinds of operation that rules decide."""


async def explain_operation(
    rulesets: Rulesets, program_id: int, operation: OperationRecord, detail: OperationDetail
) -> Sequence[Mapping[str, Any]]:
    """Return a reason for every rule, in the order of the document.

    Kept are the reasons of the rules that had a say; why nobody looked at the others follows from what was seen.
    """
    is_edit_of_guest = operation.kind == "order_edit" and operation.member_id is None
    if operation.kind not in _EARNING or is_edit_of_guest:  # who has nobody to credit is not judged anew
        return detail.reasons
    ruleset = await rulesets.at(program_id, operation.revision)
    activity = detail.answer["kind"] if operation.kind == "activity" else None
    return ruleset.explain(activity, detail.reasons, detail.facts.get("seen", {}))
