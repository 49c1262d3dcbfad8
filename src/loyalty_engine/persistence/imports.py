"""Imports: the uploaded file of a job in pieces, and the rows of it that could not be taken."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from loyalty_engine.persistence.connections import Connection

PIECE: Final = 1 << 20
"""Bytes of a file in one row; all pieces but the last are that long."""

_ENTER: Final = "SELECT loyalty.enter_v1($1, 0)"

_ADD_PIECE: Final = "INSERT INTO loyalty.job_file (program_id, job_id, number, body) VALUES ($1, $2, $3, $4)"

_READ_PIECE: Final = "SELECT body FROM loyalty.job_file WHERE program_id = $1 AND job_id = $2 AND number = $3"

_DROP_FILE: Final = "DELETE FROM loyalty.job_file WHERE program_id = $1 AND job_id = $2"

_ADD_FAULTS: Final = """
INSERT INTO loyalty.job_fault (program_id, job_id, line, code, pointer, message)
SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[])
    ON CONFLICT DO NOTHING
"""

_LIST_FAULTS: Final = """
SELECT line, code, pointer, message
  FROM loyalty.job_fault
 WHERE program_id = $1 AND job_id = $2 AND line > $3 ORDER BY line LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A row of a file that was not taken."""

    line: int
    code: str
    pointer: str
    message: str


@asynccontextmanager
async def entered(connection: Connection, program_id: int) -> AsyncIterator[None]:
    """Run a transaction that sees and writes what is the program's."""
    async with connection.transaction():
        await connection.execute(_ENTER, program_id)
        yield


async def add_piece(connection: Connection, program_id: int, job_id: UUID, *, number: int, body: bytes) -> None:
    """Keep a piece of an uploaded file; the first is number 0."""
    await connection.execute(_ADD_PIECE, program_id, job_id, number, body)


async def drop_file(connection: Connection, program_id: int, job_id: UUID) -> None:
    """Forget an uploaded file."""
    await connection.execute(_DROP_FILE, program_id, job_id)


async def read_file(connection: Connection, program_id: int, job_id: UUID, offset: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of an uploaded file from ``offset`` on, piece by piece."""
    number, skipped = divmod(offset, PIECE)
    while True:
        async with entered(connection, program_id):
            body: bytes | None = await connection.fetchval(_READ_PIECE, program_id, job_id, number)
        if body is None:
            return
        yield body[skipped:]
        number, skipped = number + 1, 0


async def add_faults(connection: Connection, program_id: int, job_id: UUID, faults: Sequence[FaultRow]) -> None:
    """Keep faults of a job; those of lines that have one already are known."""
    columns = list(zip(*((fault.line, fault.code, fault.pointer, fault.message) for fault in faults), strict=True))
    if columns:
        await connection.execute(_ADD_FAULTS, program_id, job_id, *columns)


async def list_faults(
    connection: Connection, program_id: int, job_id: UUID, *, after: int, limit: int
) -> list[FaultRow]:
    """Return the faults of a job on lines behind ``after``, in their order."""
    rows = await connection.fetch(_LIST_FAULTS, program_id, job_id, after, limit)
    return [FaultRow(row["line"], row["code"], row["pointer"], row["message"]) for row in rows]
