"""Where a program is planned and published: in the database of this installation, or at a service's address."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from loyalty_engine.api.documents import ProgramReader, require_published
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.schemas.problems import Problem
from loyalty_engine.api.schemas.program import PlanAnswer, PublicationAnswer
from loyalty_engine.application.create_program import create_program
from loyalty_engine.application.plan_program import plan_as_operator, plan_new
from loyalty_engine.application.publish_program import publish_as_operator
from loyalty_engine.application.publishing import Invalid, Published
from loyalty_engine.cli.database import operators_connection, require_program
from loyalty_engine.cli.failures import FailureError
from loyalty_engine.cli.remote import RejectedError, RemoteProgram
from loyalty_engine.cli.source import Source
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.fields import KEY_PATTERN
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.programs import find_program
from loyalty_engine.settings import Settings


class Place(Protocol):
    """One program, wherever it is. What is refused raises :class:`RejectedError`."""

    @property
    def name(self) -> str:
        """How people know it."""

    async def plan(self, source: Source) -> PlanAnswer:
        """Tell what publishing the document would change."""

    async def publish(self, source: Source, *, revision: int, note: str | None) -> PublicationAnswer:
        """Publish the document in place of ``revision``."""


@asynccontextmanager
async def open_place(
    settings: Settings, *, program: str | None, url: str | None, creates: bool, is_sandbox: bool = False
) -> AsyncIterator[Place]:
    """Open the one place that is named, a program of this installation or a service's address.

    ``creates`` takes the key of a program that does not exist yet; ``is_sandbox`` makes it one.
    """
    match program, url:
        case None, str() if not creates:
            yield RemoteProgram(url, settings.api_key)
        case str(), None:
            async with operators_connection(settings) as connection:
                if creates and await find_program(connection, program) is None:
                    yield NewProgram(connection, program, is_sandbox=is_sandbox)
                else:
                    yield LocalProgram(connection, program, await require_program(connection, program))
        case _ if creates:
            raise FailureError("--create needs the --program to create; over HTTP nobody can")
        case _:
            raise FailureError("name either the --program of this installation or the --url of a service")


class LocalProgram:
    """A program in the database, reached with the owner's rights."""

    def __init__(self, connection: Connection, key: str, program_id: int) -> None:
        self.name = f"program {key}"
        self._connection = connection
        self._id = program_id

    async def plan(self, source: Source) -> PlanAnswer:
        """Tell what publishing the document would change."""
        return PlanAnswer.of(await plan_as_operator(self._connection, self._id, await _read(source)))

    async def publish(self, source: Source, *, revision: int, note: str | None) -> PublicationAnswer:
        """Publish the document in place of ``revision``."""
        expected = frozenset({revision})
        document = await _read(source)
        result = await publish_as_operator(self._connection, self._id, document, expected=expected, note=note)
        with _rejecting():
            return PublicationAnswer.of(require_published(result))


class NewProgram:
    """A program that is not there yet: publishing creates it."""

    def __init__(self, connection: Connection, key: str, *, is_sandbox: bool) -> None:
        if not re.fullmatch(KEY_PATTERN, key):
            raise FailureError("a program's key begins with a to z and goes on with a to z, 0 to 9 and _")
        self.name = f"program {key}"
        self._connection = connection
        self._key = key
        self._is_sandbox = is_sandbox

    async def plan(self, source: Source) -> PlanAnswer:
        """Tell of what the document consists."""
        return PlanAnswer.of(plan_new(await _read(source)))

    async def publish(self, source: Source, *, revision: int, note: str | None) -> PublicationAnswer:
        """Create the program with the document as its first revision."""
        assert revision == 0
        created = await create_program(
            self._connection, self._key, await _read(source), note=note, is_sandbox=self._is_sandbox
        )
        result = created if isinstance(created, Invalid) else Published(1, is_new=True, warnings=())
        with _rejecting():
            return PublicationAnswer.of(require_published(result))


async def _read(source: Source) -> Program:
    with _rejecting():
        return await ProgramReader().read(source.raw, source.media_type)


@contextmanager
def _rejecting() -> Iterator[None]:
    """Tell a problem as it is told over HTTP."""
    try:
        yield
    except ProblemError as error:
        raise RejectedError(Problem.model_validate_json(bytes(error.as_response().body))) from None
