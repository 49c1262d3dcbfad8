"""Generate codes: a job that fills a pool to the count that was asked for, and may be stopped or killed at any moment."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from loyalty_engine.core.kernel.codes import MOST_MISSES, CodePattern, FoldedCode
from loyalty_engine.persistence.code_pools import find_pool
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.imports import entered
from loyalty_engine.persistence.promo_codes import FullPoolError, add_made, copy_made

Add = Callable[..., Awaitable[int]]

_BATCH: Final = 1_000_000
"""Codes that are drawn together: sorted, they go into the index of all codes in the order in which it is."""


class NoRoomError(Exception):
    """All that the pattern can become is there already."""


async def generate_codes(
    connections: tuple[Connection, Connection | None],
    program_id: int,
    key: str,
    count: int,
    *,
    tell: Callable[[int], None],
) -> int:
    """Put random codes into a pool until it has ``count``; ``tell`` hears how many it has. Returns that.

    The second connection has the owner's role, who may copy; without it, codes are inserted, which is slower. What is stored
    by now counts, so whoever is stopped goes on when called again. Each run of codes is a transaction of its own, which counts
    them too. Raises :class:`NoRoomError`.
    """
    misses, (connection, owner) = 0, connections
    while True:
        async with entered(connection, program_id):
            pool = await find_pool(connection, program_id, key)
        assert pool is not None
        pattern = pool.made_as
        assert pattern is not None
        tell(pool.codes)
        if pool.codes >= count:
            return pool.codes
        filling = _Filling(connection, owner, program_id, key, count, tell, pool.codes)
        await filling.fill(pattern, min(count - pool.codes, _BATCH))
        misses = misses + 1 if filling.codes == pool.codes else 0
        if misses == MOST_MISSES:
            raise NoRoomError


@dataclass(slots=True)
class _Filling:
    """One batch on its way into a pool that has so many ``codes`` by now, and shall have ``count``."""

    connection: Connection
    owner: Connection | None
    program_id: int
    key: str
    count: int
    tell: Callable[[int], None]
    codes: int

    async def fill(self, pattern: CodePattern, missing: int) -> None:
        """Draw as many codes as are missing and store them run by run; the next run is sorted meanwhile."""
        runs = await asyncio.to_thread(_draw, pattern, missing)
        run = await asyncio.to_thread(next, runs, None)
        while run is not None:
            run, _ = await asyncio.gather(asyncio.to_thread(next, runs, None), self._store(run))
            self.tell(self.codes)

    async def _store(self, run: Sequence[FoldedCode]) -> None:
        """Store codes, as if all were new until one was not. A pool that somebody else filled takes no more."""
        try:
            if self.owner is not None:
                try:
                    return await self._add(self.owner, copy_made, run)
                except asyncpg.UniqueViolationError:
                    self.owner = None  # there are many codes alike, and this batch goes carefully
            await self._add(self.connection, add_made, run)
        except FullPoolError:
            return None

    async def _add(self, connection: Connection, add: Add, run: Sequence[FoldedCode]) -> None:
        async with entered(connection, self.program_id):
            self.codes = await add(connection, self.program_id, self.key, run, most=self.count)


def _draw(pattern: CodePattern, count: int) -> Iterator[list[FoldedCode]]:
    return pattern.draw(secrets.token_bytes(count * pattern.slots))
