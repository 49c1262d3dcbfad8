"""Lapses: memberships that nobody renewed end, each once and on time, whoever looks first."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.engine.accounts import due_next, guard
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Changes, Operation
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.membership_answers import show_lapses
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.memberships.membership import PlanMove, lapses


def lapse(ruleset: Ruleset, member: MemberState, call: Call, *, operation_id: UUID, now: datetime) -> Changes | None:
    """Return the end of the memberships that are over, as an operation of its own; None when none is.

    ``call`` is that of the request on whose occasion it is booked; its key belongs to that request.
    """
    ended = {plan: replace(held, is_over=True) for plan, held in lapses(member.plans, now)}
    if not ended:
        return None
    after = replace(member, version=member.version + 1, booked_at=now, plans={**member.plans, **ended})
    after = replace(after, due_at=due_next(after, operation_id, now))
    operation = Operation(
        id=operation_id,
        kind="plan_lapse",
        call=replace(call, key=None),
        member_id=member.id,
        effective_at=max(held.ends_at for held in ended.values()),
        booked_at=now,
        revision=ruleset.revision,
    )
    return Changes(
        operation=operation,
        answer=show_lapses(operation, ended),
        facts=show_facts(member),
        member=guard(member, after),
        plans=tuple(PlanMove(member.id, plan, member.plans[plan], held) for plan, held in ended.items()),
    )
