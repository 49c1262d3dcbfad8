"""Settle a member in memory: what reads show is right at any moment, whether or not a job booked what time did."""

from datetime import datetime

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.due import is_due, settle
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.persistence.reading.standings import Standing


async def settle_member(rulesets: Rulesets, program_id: int, standing: Standing, now: datetime) -> MemberState:
    """Return the member as the next operation would find it at ``now``. Nothing is written."""
    member = standing.member
    if not is_due(member, now):
        return member
    ruleset = await rulesets.at(program_id, standing.revision)
    call = Call(member.id, Actor(client_id=0), request_hash=b"")  # of nobody: what it would write is thrown away
    for changes in settle(ruleset, member, call, operation_id=member.id, now=max(now, member.booked_at)):
        member = member if changes.member is None else changes.member.after
    return member
