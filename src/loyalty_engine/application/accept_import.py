"""Accept an import: keep an uploaded file, of any size and piece by piece, and leave the rest to the worker."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.imports.reading import Format, Reader
from loyalty_engine.application.imports.rows import Forms, Kind
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.persistence.code_pools import find_pool
from loyalty_engine.persistence.imports import PIECE, add_piece, drop_file
from loyalty_engine.persistence.jobs import NewJob, add_job
from loyalty_engine.persistence.sessions import Sessions

MAX_BYTES: Final = 2 << 30
"""How large an uploaded file may be. Larger ones are imported by the command, or in parts."""


class PoolTakesNoneError(Exception):
    """The codes are for a pool of another kind, or for none that there is."""

    def __init__(self, *, is_there: bool) -> None:
        super().__init__(is_there)
        self.is_there = is_there


class FileTooLargeError(Exception):
    """The file is larger than any may be."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file is, and what to do with it. Codes are for a ``pool``."""

    kind: Kind
    format: Format
    separator: str
    on_conflict: Literal["refuse", "update"]
    is_dry: bool
    pool: str | None = None

    def as_params(self) -> dict[str, Any]:
        """Return what the job has to know."""
        pool = {} if self.pool is None else {"pool": self.pool}
        return {
            **pool,
            "kind": self.kind,
            "format": self.format,
            "separator": self.separator,
            "on_conflict": self.on_conflict,
            "dry_run": self.is_dry,
        }


async def accept_import(
    sessions: Sessions,
    rulesets: Rulesets,
    caller: Caller,
    body: AsyncIterator[bytes],
    *,
    upload: Upload,
    forms: Forms,
    now: datetime,
) -> UUID:
    """Keep a file and return the id of the job that will import it.

    The job exists once the whole file does. Raises ``FileError`` when the file cannot be one of its kind, as far as its
    beginning tells, :class:`FileTooLargeError`, and :class:`PoolTakesNoneError`; then nothing of it is kept.
    """
    job_id, program_id = uuid7(), caller.program_id
    open_for_caller = partial(sessions.open_for, program_id, caller.client_id, caller.generation, is_read_only=False)
    reader = Reader(
        upload.kind, upload.format, upload.separator, forms=forms, ruleset=await rulesets.latest(program_id)
    )
    size = 0
    if upload.pool is not None:
        async with open_for_caller() as connection:
            pool = await find_pool(connection, program_id, upload.pool)
        if pool is None or pool.kind not in ("imported", "vouchers"):
            raise PoolTakesNoneError(is_there=pool is not None)
    try:
        async for number, piece in _pieces(body):
            size += len(piece)
            if number == 0:
                await reader.check(piece)
            async with open_for_caller() as connection:
                await add_piece(connection, program_id, job_id, number=number, body=piece)
        new = NewJob(program_id, job_id, "import", client_id=caller.client_id, params=upload.as_params(), total=size)
        async with open_for_caller() as connection:
            await add_job(connection, new, now=now)
    except BaseException:
        async with sessions.open(program_id, is_read_only=False) as connection:
            await drop_file(connection, program_id, job_id)
        raise
    return job_id


async def _pieces(body: AsyncIterator[bytes]) -> AsyncGenerator[tuple[int, bytes], None]:
    """Yield the file in pieces of the one length that its readers count on, at least one."""
    held, number = bytearray(), 0
    async for chunk in body:
        held += chunk
        if number * PIECE + len(held) > MAX_BYTES:
            raise FileTooLargeError
        while len(held) >= PIECE:
            yield number, bytes(held[:PIECE])
            del held[:PIECE]
            number += 1
    if held or number == 0:
        yield number, bytes(held)
