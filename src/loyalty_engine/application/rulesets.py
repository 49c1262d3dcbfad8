"""Rulesets: each process keeps the compiled current revision of its programs and compiles off the event loop."""

import asyncio
from collections import OrderedDict
from datetime import datetime
from typing import Final

from loyalty_engine.application.world import find_zone
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.parts import Part
from loyalty_engine.persistence.programs import read_parts, read_revision_number, read_times
from loyalty_engine.persistence.sessions import Sessions

_KEPT: Final = 64
"""How many compiled revisions a process keeps."""


class NotPublishedError(Exception):
    """The program has no such revision."""


class Rulesets:
    """Compiled revisions by program and number. Revisions are immutable, so what is kept is never stale."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kept: OrderedDict[tuple[int, int], Ruleset] = OrderedDict()
        self._latest: dict[int, Ruleset] = {}
        self._times: dict[int, tuple[tuple[int, datetime], ...]] = {}
        self._loading = asyncio.Lock()

    async def latest(self, program_id: int) -> Ruleset:
        """Return the newest revision this process has seen; gather tells whether there is a newer one."""
        latest = self._latest.get(program_id)
        if latest is not None:
            return latest
        async with self._sessions.open(program_id) as connection:
            number = await read_revision_number(connection, program_id)
        return await self.at(program_id, number)

    async def at(self, program_id: int, number: int) -> Ruleset:
        """Return a revision's ruleset, compiled once; raise :class:`NotPublishedError` when there is none."""
        kept = self._kept.get((program_id, number))
        if kept is None:
            async with self._loading:
                kept = self._kept.get((program_id, number)) or await self._load(program_id, number)
        latest = self._latest.get(program_id)
        if latest is None or number > latest.revision:
            self._latest[program_id] = kept
        return kept

    async def before(self, program_id: int, today: Ruleset, at: datetime | None) -> Ruleset | None:
        """Return the newest revision before ``today`` that was in force ``at`` that time, the first one before there was any.

        None where today's decides, and where no time is in question. Those that counted another money than today are
        passed over: nothing had happened under them.
        """
        if at is None or today.published_at is None or at >= today.published_at:
            return None
        times = [number for number, since in self._times[program_id] if since <= at and number < today.revision]
        number = times[-1] if times else self._times[program_id][0][0]
        while (then := await self.at(program_id, number)).currency != today.currency:
            number += 1
        return None if then.revision == today.revision else then

    async def _load(self, program_id: int, number: int) -> Ruleset:
        async with self._sessions.open(program_id) as connection:
            parts: tuple[Part, ...] = await read_parts(connection, program_id, number)
            times = await read_times(connection, program_id)
        if not parts:
            raise NotPublishedError(number)
        ruleset = await asyncio.to_thread(
            compile_ruleset,
            parts,
            number,
            self._latest.get(program_id),
            find_zone=find_zone,
            published_at=dict(times)[number],
        )
        self._times[program_id] = times
        self._kept[program_id, number] = ruleset
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return ruleset
