"""Pages: members read many at a time, by runs that nobody asked for, and what becomes of them recorded together."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger import Question, gather

NOBODY: Final = 0
"""The client of what nobody asked for."""


def call_of_nobody() -> Call:
    """Return a new call that nobody made."""
    return Call(uuid7(), Actor(NOBODY), request_hash=b"")


async def read_page(
    connection: Connection,
    rulesets: Rulesets,
    program_id: int,
    member_ids: Sequence[UUID],
    *,
    ask: Callable[[Ruleset, UUID], Ask],
) -> tuple[Ruleset, list[MemberState]]:
    """Return members as they are, and the rules that were current in that moment, of which ``ask`` says what they look at."""
    ruleset = await rulesets.latest(program_id)
    while True:
        asks = tuple(ask(ruleset, member_id) for member_id in member_ids)
        (gathered,) = await gather(connection, [Question(program_id, asks)])
        revision = gathered[0][0].revision
        if revision == ruleset.revision:
            found = {facts.member.id: facts.member for _, facts in gathered if facts.member is not None}
            return ruleset, [*found.values()]  # each once, though one may just have been merged into another
        ruleset = await rulesets.at(program_id, revision)
