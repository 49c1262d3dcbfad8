"""Roll a program back: publish the content of an old revision as a new one. History is never rewritten."""

import asyncio
from dataclasses import dataclass

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.publishing import Conflict, Expected, Invalid, Published, publish
from loyalty_engine.core.program.parts import join
from loyalty_engine.persistence.programs import read_parts
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Missing:
    """The program has no such revision."""


async def roll_back_program(
    sessions: Sessions, caller: Caller, number: int, *, expected: Expected
) -> Published | Invalid | Conflict | Missing:
    """Publish revision ``number`` again, under the same conditions as any document.

    It can be refused although it was published once: by then members may have balances in a wallet that it lacks.
    """
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as connection:
        parts = await read_parts(connection, caller.program_id, number)
    if not parts:
        return Missing()
    program = await asyncio.to_thread(join, parts)
    return await publish(sessions, caller, program, expected=expected, note=f"Rollback to revision {number}")
