"""Rulesets: each process keeps the compiled current revision of its programs and compiles off the event loop."""

import asyncio
from collections import OrderedDict
from typing import Final

from loyalty_engine.application.world import find_zone
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.parts import Part
from loyalty_engine.persistence.programs import read_parts, read_revision_number
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

    async def _load(self, program_id: int, number: int) -> Ruleset:
        async with self._sessions.open(program_id) as connection:
            parts: tuple[Part, ...] = await read_parts(connection, program_id, number)
        if not parts:
            raise NotPublishedError(number)
        ruleset = await asyncio.to_thread(
            compile_ruleset, parts, number, self._latest.get(program_id), find_zone=find_zone
        )
        self._kept[program_id, number] = ruleset
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return ruleset
