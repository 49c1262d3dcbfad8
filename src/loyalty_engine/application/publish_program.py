"""Publish a program: the whole document, in place of the current one, as a new revision."""

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.publishing import (
    Author,
    Conflict,
    Expected,
    Invalid,
    Published,
    prepare,
    publish,
    publish_prepared,
)
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.sessions import Sessions


async def publish_program(
    sessions: Sessions, caller: Caller, program: Program, *, expected: Expected, note: str | None
) -> Published | Invalid | Conflict:
    """Publish ``program`` if the current revision is still one of ``expected``: two editors never overwrite each other.

    Decisions made from then on, in every process, follow the new revision.
    """
    return await publish(sessions, caller, program, expected=expected, note=note)


async def publish_as_operator(
    connection: Connection, program_id: int, program: Program, *, expected: Expected, note: str | None
) -> Published | Invalid | Conflict:
    """Do the same over the owner's connection, as nobody's API client.

    Checks the document on the caller's time: nobody else waits for a command.
    """
    prepared = prepare(program)
    if isinstance(prepared, Invalid):
        return prepared
    async with connection.transaction():
        return await publish_prepared(connection, Author(program_id, None, note), prepared, expected=expected)
