"""Sessions: transactions that see one program's rows only, for everything that is not gather and record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from loyalty_engine.persistence.connections import AWAY, Connection
from loyalty_engine.persistence.errors import UnavailableError

_ENTER: Final = "SELECT loyalty.enter_v1($1, $2)"
_NOBODY: Final = 0


class StaleCredentialsError(Exception):
    """The caller's key or rights changed since it was looked up: look again, then 401 or go on."""


class Sessions:
    """Opens sessions over a pool of connections."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @asynccontextmanager
    async def open(self, program_id: int, *, is_read_only: bool = True) -> AsyncIterator[Connection]:
        """Open a session of the service itself, before or without a caller."""
        async with self._open(program_id, _NOBODY, None, is_read_only=is_read_only) as connection:
            yield connection

    @asynccontextmanager
    async def open_for(
        self, program_id: int, client_id: int, generation: int, *, is_read_only: bool = True
    ) -> AsyncIterator[Connection]:
        """Open a caller's session; raise :class:`StaleCredentialsError` when its key changed meanwhile."""
        async with self._open(program_id, client_id, generation, is_read_only=is_read_only) as connection:
            yield connection

    @asynccontextmanager
    async def _open(
        self, program_id: int, client_id: int, generation: int | None, *, is_read_only: bool
    ) -> AsyncIterator[Connection]:
        try:
            async with (
                self._pool.acquire(timeout=2.0) as connection,
                connection.transaction(
                    isolation="repeatable_read" if is_read_only else "read_committed", readonly=is_read_only
                ),
            ):
                current = await connection.fetchval(_ENTER, program_id, client_id)
                if generation is not None and current != generation:
                    raise StaleCredentialsError
                yield connection
        except AWAY as error:
            raise UnavailableError from error
