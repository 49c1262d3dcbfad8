"""Adopt ladders: after a publication that changed tier sets, lead every member where these say, many in a statement.

Who is touched meanwhile is led by the new ladders anyway. It may be killed at any time and goes on where it was: who was
led already is not led again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_engine.application.pages import NOBODY, call_of_nobody, read_page
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.fold import Write, fold
from loyalty_engine.core.engine.ladder_changes import adopt
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import RefusalError
from loyalty_engine.core.tiers.lookback import Lookback
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.due import list_members, record_due

_PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Adopted:
    """How far it is: up to and with ``last`` by id. ``moved`` are members that were led somewhere, or were due."""

    last: UUID
    members: int
    moved: int
    unsettled: tuple[UUID, ...] = ()


_BEGINNING: Final = Adopted(UUID(int=0), 0, 0)


async def adopt_ladders(
    connection: Connection,
    rulesets: Rulesets,
    program_id: int,
    *,
    now: datetime,
    begin: Adopted = _BEGINNING,
    keep: Callable[[Adopted], Awaitable[bool]],
) -> Adopted | None:
    """Lead the members of a program behind where it ``begin``s; ``keep`` hears how far it is after each page.

    Returns None when ``keep`` says that somebody else goes on, or that nobody shall.
    """
    done = begin
    while page := await list_members(connection, program_id, after=done.last, limit=_PAGE):
        moved, unsettled = await _lead(connection, rulesets, program_id, page, now=now)
        done = Adopted(page[-1], done.members + len(page), done.moved + moved, (*done.unsettled, *unsettled))
        if not await keep(done):
            return None
    return done


async def _lead(
    connection: Connection, rulesets: Rulesets, program_id: int, page: Sequence[UUID], *, now: datetime
) -> tuple[int, list[UUID]]:
    """Lead a page of members, again those that somebody else changed meanwhile; return how many moved, and who cannot."""

    def ask(ruleset: Ruleset, member_id: UUID) -> Ask:
        lookback = replace(ruleset.lookback or Lookback(), orders_at=now, earned_at=now)  # also once no set is left
        return Ask(NOBODY, "", None, member_id, now=now, lookback=lookback, wants_plans=bool(ruleset.plans))

    moved, unsettled = 0, list[UUID]()
    while page:
        ruleset, members = await read_page(connection, rulesets, program_id, page, ask=ask)
        writes = []
        for member in members:
            try:
                writes += _write(ruleset, member, max(now, member.booked_at))
            except (AssertionError, RefusalError):
                unsettled.append(member.id)
        fates = list(zip(writes, await record_due(connection, program_id, writes), strict=True))
        moved += sum(fate == "won" for _, fate in fates)
        unsettled += [_member(write) for write, fate in fates if fate == "refused"]
        page = [_member(write) for write, fate in fates if fate == "lost"]
    return moved, unsettled


def _write(ruleset: Ruleset, member: MemberState, now: datetime) -> list[Write]:
    """Return what the ladders do to a member; nothing to most."""
    parts = adopt(ruleset, member, call_of_nobody(), now)
    return [fold(parts)] if parts else []


def _member(write: Write) -> UUID:
    return write.members[0].after.id
