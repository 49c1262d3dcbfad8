"""Activities: what a member did that is no purchase, such as a survey answered or a cup brought along."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import guard, require_member
from loyalty_engine.core.engine.answers import show_activity, show_facts
from loyalty_engine.core.engine.attributes import check_attributes, read_decimals
from loyalty_engine.core.engine.decision import Accepted, ActivityRow, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.memberships import pay_by_activity
from loyalty_engine.core.engine.orders import CLOCK_SKEW
from loyalty_engine.core.engine.requests import RecordActivity
from loyalty_engine.core.engine.ruleset import ActivityRules, Ruleset
from loyalty_engine.core.engine.settlement import settle_activity
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.rules.order import Activity


def decide_activity(ruleset: Ruleset, facts: Facts, request: RecordActivity, now: datetime) -> Decision:
    """Accept an activity and credit what its rules give; one that counts once is refused the second time."""
    kind = _require_kind(ruleset, request)
    if request.occurred_at > now + CLOCK_SKEW:
        times = {"occurred_at": show_instant(request.occurred_at), "now": show_instant(now)}
        refuse(RefusalCode.ACTIVITY_IN_FUTURE, "/occurred_at", **times)
    _check_place(request)
    member = require_member(facts)
    if facts.marked_by is not None:
        refuse(RefusalCode.ACTIVITY_ALREADY_COUNTED, "", operation_id=show_id("op", facts.marked_by))
    operation = Operation.asked(
        "activity", request.call, now, ruleset.revision, member_id=member.id, effective_at=request.occurred_at
    )
    row = ActivityRow(
        id=operation.id,
        member_id=member.id,
        kind=kind.key,
        subject=request.subject,
        mark=ruleset.mark_of(kind.key, request.subject, request.occurred_at),
        location=request.location,
        attributes=request.attributes,
    )
    seen = Activity(kind.key, request.subject, request.location, read_decimals(kind.attributes, request.attributes))
    settled = settle_activity(ruleset, operation, seen, member=member, shared=facts.counters)
    assert settled.after is not None
    changes = Changes(
        operation=operation,
        answer=show_activity(operation, row, settled),
        facts=show_facts(member, settled.earned.seen),
        reasons=settled.earned.reasons,
        member=guard(member, settled.after),
        entries=settled.entries,
        activity=row,
        takes=settled.takes,
    )
    return Accepted(pay_by_activity(ruleset, facts, request, changes, now=now))


def _check_place(request: RecordActivity) -> None:
    """A key bound to a location speaks for that one only."""
    bound = request.call.actor.location
    if bound is not None and request.location != bound:
        refuse(RefusalCode.TILL_MISMATCH, "/location", location=bound)


def _require_kind(ruleset: Ruleset, request: RecordActivity) -> ActivityRules:
    """Return the declared kind; refuse what it does not allow."""
    kind = ruleset.activities.get(request.kind)
    if kind is None:
        refuse(RefusalCode.ACTIVITY_NOT_DECLARED, "/kind", declared=sorted(ruleset.activities))
    if kind.once_per == "subject" and request.subject is None:
        refuse(RefusalCode.ACTIVITY_SUBJECT_REQUIRED, "/subject")
    check_attributes(kind.attributes, request.attributes, "/attributes")
    return kind
