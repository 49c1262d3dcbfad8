"""Activities: what a member did that is no purchase, such as a survey answered or a cup brought along."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, open_book, require_member
from loyalty_engine.core.engine.answers import show_activity, show_facts
from loyalty_engine.core.engine.decision import Accepted, ActivityRow, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import RecordActivity
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse


def decide_activity(ruleset: Ruleset, facts: Facts, request: RecordActivity, now: datetime) -> Decision:
    """Accept an activity and credit what its rules give; one that counts once is refused the second time."""
    member = require_member(facts)
    if facts.marked_by is not None:
        refuse(RefusalCode.ACTIVITY_ALREADY_COUNTED, "", operation_id=show_id("op", facts.marked_by))
    operation = Operation(
        id=request.call.operation_id,
        kind="activity",
        call=request.call,
        member_id=member.id,
        effective_at=request.occurred_at,
        booked_at=now,
        revision=ruleset.revision,
    )
    row = ActivityRow(
        id=operation.id,
        member_id=member.id,
        kind=request.kind,
        subject=request.subject,
        mark=ruleset.mark_of(request.kind, request.subject, request.occurred_at),
        attributes=request.attributes,
    )
    book = open_book(member, operation.id, now)
    entries, after = close_book(member, book, now)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_activity(operation, row, after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
            activity=row,
        )
    )
