"""Batching: callers wait in the process, not in PostgreSQL.

A batcher owns a few pinned connections. Whatever queued up while a connection was busy goes out together on it, so
that under load many operations share one round trip and one commit, and an idle service answers at once.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final, Generic, TypeVar

from loyalty_engine.meters import METERS
from loyalty_engine.persistence.connections import AWAY, Connection, connect_as_application
from loyalty_engine.persistence.errors import UnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")

_RECONNECT_SECONDS: Final = 0.2
_LONGEST_QUEUE: Final = 2_000
"""Beyond this many waiting items a caller is told to come back: it would time out anyway."""
_PASSES: Final = 12
"""How many passes of the event loop those just answered have to ask for more, which then travels in one batch."""


class Batcher(Generic[Item, Result]):
    """Sends items in batches over ``connections`` pinned connections.

    ``name`` is what metrics call it. ``group`` names what may share a batch (the program); ``alone`` names what must be
    there only once (the members): a second item with one of these names waits for the next batch. ``run`` answers each
    item in order.
    """

    def __init__(
        self,
        url: str,
        run: Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        name: str,
        connections: int,
        limit: int,
        group: Callable[[Item], Hashable],
        alone: Callable[[Item], Collection[Hashable]],
    ) -> None:
        self._url = url
        self._run = run
        self._name = name
        self._connections = connections
        self._limit = limit
        self._group = group
        self._alone = alone
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._workers: list[asyncio.Task[None]] = []
        self._connected = 0

    async def start(self) -> None:
        """Start one worker per connection; they connect on their own and again after every loss."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._connections)]

    async def stop(self) -> None:
        """Close the connections; whoever still waits is told that we are away."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._fail(UnavailableError())

    @property
    def is_connected(self) -> bool:
        """Whether at least one connection stands."""
        return self._connected > 0

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Queue an item; the future gives its result or :class:`UnavailableError`."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= _LONGEST_QUEUE:
            future.set_exception(UnavailableError())
            return future
        self._waiting.append((item, future))
        if self._idle:
            idle = self._idle.pop()
            if not idle.done():
                idle.set_result(None)
        return future

    async def _work(self) -> None:
        while True:
            try:
                connection = await connect_as_application(self._url)
            except UnavailableError as error:
                if not self._connected:
                    self._fail(error)
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            self._connected += 1
            connection.add_termination_listener(self._wake_all)
            try:
                await self._serve(connection)
            finally:
                self._connected -= 1
                with contextlib.suppress(*AWAY):
                    connection.terminate()

    async def _serve(self, connection: Connection) -> None:
        """Send batches until the connection is lost."""
        while not connection.is_closed():
            batch = self._take()
            if not batch:
                idle = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
                continue
            await self._send(connection, batch)
            await self._linger()

    async def _linger(self) -> None:
        """Let those just answered go on first: what they ask next travels with what waits, at a part of what it costs alone.

        Whoever comes to an idle connection does not wait.
        """
        for _ in range(_PASSES):
            if len(self._waiting) >= self._limit:
                break
            await asyncio.sleep(0)

    def _wake_all(self, *_: object) -> None:
        """Let idle workers see whether it is their connection that was lost."""
        idle, self._idle = self._idle, []
        for waiting in idle:
            if not waiting.done():
                waiting.set_result(None)

    async def _send(self, connection: Connection, batch: "list[tuple[Item, asyncio.Future[Result]]]") -> None:
        """Run one batch. A fault of one item must not hurt its neighbours: each is then tried alone."""
        start = perf_counter()
        try:
            results = await self._run(connection, [item for item, _ in batch])
        except asyncio.CancelledError:
            _refuse(batch, UnavailableError())
            raise
        except Exception as error:  # noqa: BLE001  the process edge of a batch: callers get it through their futures
            if _is_away(error):
                _refuse(batch, UnavailableError(), error)
            elif len(batch) == 1:
                _refuse(batch, error)
            else:
                for entry in batch:
                    await self._send(connection, [entry])
        else:
            seconds = perf_counter() - start
            METERS.count_batch(self._name, size=len(batch), seconds=seconds, waiting=len(self._waiting))
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _take(self) -> "list[tuple[Item, asyncio.Future[Result]]]":
        """Take what may travel together, oldest first; leave the rest in its order."""
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        later: list[tuple[Item, asyncio.Future[Result]]] = []
        names: set[Hashable] = set()
        while self._waiting and len(batch) < self._limit:
            entry = self._waiting.popleft()
            item = entry[0]
            own = self._alone(item)
            if (batch and self._group(item) != self._group(batch[0][0])) or not names.isdisjoint(own):
                later.append(entry)
                continue
            names.update(own)
            batch.append(entry)
        self._waiting.extendleft(reversed(later))
        return batch

    def _fail(self, error: Exception) -> None:
        _refuse(self._waiting, error)
        self._waiting.clear()


def _is_away(error: Exception) -> bool:
    """Tell whether the database is at fault. A value that the driver cannot encode is an InterfaceError too."""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


def _refuse(
    entries: "Iterable[tuple[object, asyncio.Future[Any]]]", error: Exception, cause: Exception | None = None
) -> None:
    error.__cause__ = cause
    for _, future in entries:
        if not future.done():
            future.set_exception(error)
