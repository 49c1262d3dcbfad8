"""Read tiers: a member with where it is in tier sets at this moment, whether or not anybody booked what time did."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.due import settle
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger import Question, gather

_NOBODY = 0
"""The client of what nobody asked for."""


async def read_tiers(
    connection: Connection, rulesets: Rulesets, program_id: int, member_id: UUID, *, now: datetime
) -> tuple[Ruleset, MemberState] | None:
    """Return the current rules, and the member as the next operation would find it at ``now``, with all that tier sets count.

    None for a member that there is not; who was merged into another is the other. Nothing is written.
    """
    ruleset = await rulesets.latest(program_id)
    while True:
        lookback = ruleset.lookback
        if lookback is not None:
            lookback = replace(lookback, orders_at=now, earned_at=now)
        ask = Ask(_NOBODY, "", None, member_id, now=now, lookback=lookback, wants_plans=bool(ruleset.plans))
        ((known, facts),) = (await gather(connection, [Question(program_id, (ask,))]))[0]
        if known.revision != ruleset.revision:
            ruleset = await rulesets.at(program_id, known.revision)
            continue
        member = facts.member
        return None if member is None else (ruleset, _settle(ruleset, member, max(now, member.booked_at)))


def _settle(ruleset: Ruleset, member: MemberState, now: datetime) -> MemberState:
    call = Call(member.id, Actor(_NOBODY), request_hash=b"")  # of nobody: what it would write is thrown away
    for changes in settle(ruleset, member, call, operation_id=member.id, now=now):
        member = member if changes.member is None else changes.member.after
    return member
