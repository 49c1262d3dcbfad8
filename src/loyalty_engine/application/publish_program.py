"""Publish a program: the whole document, in place of the current one, as a new revision."""

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.publishing import Conflict, Expected, Invalid, Published, publish
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.sessions import Sessions


async def publish_program(
    sessions: Sessions, caller: Caller, program: Program, *, expected: Expected
) -> Published | Invalid | Conflict:
    """Publish ``program`` if the current revision is still one of ``expected``: two editors never overwrite each other.

    Decisions made from then on, in every process, follow the new revision.
    """
    return await publish(sessions, caller, program, expected=expected, note=None)
