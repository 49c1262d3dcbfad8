"""Read a program: its document as it is now, or as any revision left it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from loyalty_engine.application.executor import Caller
from loyalty_engine.core.program.parts import join
from loyalty_engine.persistence.programs import Revision, find_revision, read_parts, read_revision_number
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class ReadRevision:
    """A revision with its document as plain data; the document leaves out what equals the defaults."""

    revision: Revision
    document: dict[str, Any]


async def read_program(sessions: Sessions, caller: Caller, number: int | None = None) -> ReadRevision | None:
    """Return a revision, the current one by default; None when there is none of that number."""
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as connection:
        wanted = number or await read_revision_number(connection, caller.program_id)
        revision = await find_revision(connection, caller.program_id, wanted)
        if revision is None:
            return None
        parts = await read_parts(connection, caller.program_id, wanted)
    program = await asyncio.to_thread(join, parts)
    document = await asyncio.to_thread(program.model_dump, mode="json", by_alias=True, exclude_defaults=True)
    return ReadRevision(revision, document)
