"""Where a program is planned and published: in the database of this installation, or at a service's address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from loyalty_engine.api.documents import ProgramReader, require_published
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.schemas.problems import Problem
from loyalty_engine.api.schemas.program import PlanAnswer, PublicationAnswer
from loyalty_engine.application.plan_program import plan_as_operator
from loyalty_engine.application.publish_program import publish_as_operator
from loyalty_engine.cli.database import operators_connection, require_program
from loyalty_engine.cli.failures import FailureError
from loyalty_engine.cli.remote import RejectedError, RemoteProgram
from loyalty_engine.cli.source import Source
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.connections import Connection
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
async def open_place(settings: Settings, *, program: str | None, url: str | None) -> AsyncIterator[Place]:
    """Open the one place that is named, a program of this installation or a service's address."""
    match program, url:
        case None, str():
            yield RemoteProgram(url, settings.api_key)
        case str(), None:
            async with operators_connection(settings) as connection:
                yield LocalProgram(connection, program, await require_program(connection, program))
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
        try:
            return PublicationAnswer.of(require_published(result))
        except ProblemError as error:
            raise _rejected(error) from None


async def _read(source: Source) -> Program:
    try:
        return await ProgramReader().read(source.raw, source.media_type)
    except ProblemError as error:
        raise _rejected(error) from None


def _rejected(error: ProblemError) -> RejectedError:
    return RejectedError(Problem.model_validate_json(bytes(error.as_response().body)))
