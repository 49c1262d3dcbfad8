"""Create a program: a new isolation unit with its first revision. Only operators can, over the owner's connection."""

from loyalty_engine.application.publishing import Invalid, prepare
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence import programs
from loyalty_engine.persistence.connections import Connection


async def create_program(
    connection: Connection, key: str, document: Program, *, note: str | None, is_sandbox: bool = False
) -> int | Invalid:
    """Create the program of that key with ``document`` as revision 1 and return its id, or why it cannot be published.

    The clock of a sandbox can be moved. Must not exist yet. Checks the document on the caller's time: nobody else waits for a command.
    """
    prepared = prepare(document)
    if isinstance(prepared, Invalid):
        return prepared
    async with connection.transaction():
        program_id = await programs.create_program(connection, key, is_sandbox=is_sandbox)
        await programs.publish_parts(connection, program_id, prepared.parts, expected=0, client_id=None, note=note)
    return program_id
