"""Settle due points: book what time did to the points, memberships and tiers of members who were not touched since.

What can be spent, and in which tier a member is, never depends on this: whoever touches a member books the same first. It
makes rows tell sooner what is true anyway, many members in a statement. So it is also the review of all members: a tier
that ran out is due once, whoever is the first to book that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from loyalty_engine.application.crowds import review_crowd
from loyalty_engine.application.pages import NOBODY, call_of_nobody, read_page
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.due import is_due, refresh, settle
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.fold import Write, fold
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_crowds import Review
from loyalty_engine.core.kernel.refusals import RefusalError
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.crowds import record_crowd
from loyalty_engine.persistence.due import Due, list_due, record_due

_PAGE: Final = 250
"""Members per statement: enough that round trips and commits cost little, few enough that nobody waits long for them."""
_CROWD: Final = 2_000
"""Members whose tiers may be reviewed together in a statement."""
_START: Final = Due(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Settled:
    """How it went. ``unsettled`` are members whose points could not be settled: their rows contradict each other."""

    members: int
    unsettled: tuple[UUID, ...]


async def settle_due_points(
    connections: tuple[Connection, Connection],
    rulesets: Rulesets,
    program_id: int,
    *,
    now: datetime,
    tell: Callable[[int], None] = lambda _: None,
) -> Settled:
    """Settle everything that is due in a program by ``now``, which its clock shows; ``tell`` hears how many members each page settled.

    It may be killed at any time and run beside itself: each page is a transaction, and a member that somebody else
    changed meanwhile is left to a later round, if it is still due. Two connections, so that one page is read while the
    one before is written.
    """
    run = _Run(*connections, rulesets, program_id, now, tell)
    while await run.go_round():
        pass
    return Settled(run.members, tuple(run.unsettled))


_Page = Sequence[Write | Review]


@dataclass(slots=True)
class _Run:
    """One run, round after round until nobody is left."""

    reader: Connection
    writer: Connection
    rulesets: Rulesets
    program_id: int
    now: datetime
    tell: Callable[[int], None]
    members: int = 0
    unsettled: list[UUID] = field(default_factory=list)

    async def go_round(self) -> bool:
        """Settle page after page; tell whether a member was lost to somebody faster and another round is needed."""
        lost = 0
        writing: asyncio.Task[int] | None = None
        try:
            async for writes in self._pages():
                if writing is not None:
                    lost += await writing
                writing = asyncio.create_task(self._record(writes))
            if writing is not None:
                lost += await writing
        finally:
            if writing is not None and not writing.done():
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing
        return lost > 0

    async def _pages(self) -> AsyncIterator[_Page]:
        def ask(ruleset: Ruleset, member_id: UUID) -> Ask:
            ask = Ask(NOBODY, "", None, member_id, now=self.now, wants_lots=True, lookback=ruleset.lookback)
            return replace(ask, wants_plans=bool(ruleset.plans))

        after = _START
        while due := await list_due(self.reader, self.program_id, self.now, after=after, limit=_CROWD):
            found = [each.member_id for each in due]
            ruleset = await self.rulesets.latest(self.program_id)
            reviews = await review_crowd(self.reader, ruleset, self.program_id, found, now=self.now)
            if reviews:
                yield reviews
            together = {review.member_id for review in reviews}
            rest = [member_id for member_id in found if member_id not in together]
            for place in range(0, len(rest), _PAGE):
                page = rest[place : place + _PAGE]
                yield self._settle(*await read_page(self.reader, self.rulesets, self.program_id, page, ask=ask))
            after = due[-1]

    def _settle(self, ruleset: Ruleset, members: Sequence[MemberState]) -> list[Write]:
        writes = []
        for member in members:
            now = max(self.now, member.booked_at)
            if member.id in self.unsettled or not is_due(member, now):
                continue
            try:
                writes.append(_write(ruleset, member, now))
            except (AssertionError, RefusalError):
                self.unsettled.append(member.id)
        return writes

    async def _record(self, page: _Page) -> int:
        """Record a page; return how many lost their guard."""
        writes = [each for each in page if isinstance(each, Write)]
        reviews = [each for each in page if isinstance(each, Review)]
        lost = await self._record_crowd(reviews) if reviews else 0
        return lost + await self._record_writes(writes)

    async def _record_crowd(self, reviews: Sequence[Review]) -> int:
        won = await record_crowd(self.writer, self.program_id, reviews, now=self.now)
        self.members += len(won)
        self.tell(len(won))
        return len(reviews) - len(won)

    async def _record_writes(self, writes: Sequence[Write]) -> int:
        fates = await record_due(self.writer, self.program_id, writes)
        self.unsettled += [
            write.members[0].after.id for write, fate in zip(writes, fates, strict=True) if fate == "refused"
        ]
        won = fates.count("won")
        self.members += won
        self.tell(won)
        return fates.count("lost")


def _write(ruleset: Ruleset, member: MemberState, now: datetime) -> Write:
    """Return what became due with a member; when nothing did, only when something next is."""
    call = call_of_nobody()
    done = settle(ruleset, member, call, operation_id=call.operation_id, now=now)
    if done:
        return fold(done)
    later = refresh(member, now)
    moved_on = replace(later, after=replace(later.after, version=member.version))  # versions count operations
    return Write(parts=(), notes=(), members=(moved_on,), balances={}, lots=(), lots_changed={})
