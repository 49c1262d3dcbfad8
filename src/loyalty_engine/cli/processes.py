"""The API processes of one service, its worker, and the parent that keeps them running.

They share one listening socket, which the parent holds: when a process dies nobody is refused, the others take the
connections that wait, and a new one takes its place.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Final

import structlog

from loyalty_engine.cli.failures import FailureError

DRAIN_SECONDS: Final = 10
"""How long requests under way may take to end."""
_FIRST_DELAY_SECONDS: Final = 0.1
_LONGEST_DELAY_SECONDS: Final = 15.0
_STEADY_SECONDS: Final = 30.0
"""Who lived this long died by accident: its successor starts at once."""
_PATIENCE_SECONDS: Final = DRAIN_SECONDS + 5

_log = structlog.get_logger()


class Processes:
    """Runs ``count`` API processes on ``listener``, and a worker beside them if it ``has_worker``, until SIGTERM or SIGINT, then lets them finish what is under way.

    A process that dies is started anew, at once at first and ever later while it keeps dying. All of them die with
    this process, however it ends.
    """

    def __init__(self, listener: socket.socket, *, count: int, database_url: str, has_worker: bool) -> None:
        self._listener = listener.fileno()
        self._api = range(1, count + 1)
        self._all = range(1, count + 1 + has_worker)
        self._environment = {**os.environ, "LOYALTY_DATABASE_URL": database_url}
        self._running: dict[int, Process] = {}
        self._stopping = asyncio.Event()

    async def run(self, announce: Callable[[], None]) -> None:
        """Serve; ``announce`` is called once, when all processes are ready. Raises when one does not get that far."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        with tempfile.TemporaryDirectory(prefix="loyalty-meters-") if len(self._all) > 1 else nullcontext("") as shared:
            keepers = asyncio.gather(*(self._start(place, shared) for place in self._all))
            try:
                if await self._unless_stopped(keepers):
                    announce()
                    keepers = asyncio.gather(*(self._keep(place, shared) for place in self._all))
                    await self._unless_stopped(keepers)
            finally:
                keepers.cancel()
                with suppress(asyncio.CancelledError, FailureError, OSError):
                    await keepers
                await self._drain()

    async def _unless_stopped(self, work: "asyncio.Future[list[None]]") -> bool:
        """Wait for work to end, True, or for the signal to stop, False."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stopping.is_set():
            return False
        await work
        return True

    async def _start(self, place: int, meters: str) -> None:
        """Start a process and wait until it works; raise :class:`FailureError` when it ends instead."""
        is_api = place in self._api
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", f"loyalty_engine.cli.{'process' if is_api else 'worker_process'}"),
            *((str(self._listener),) if is_api else ()),
            *(str(place), meters),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(self._listener,),
            start_new_session=True,  # Ctrl-C in a terminal is for us; they are told when it is their turn
            env=self._environment,
        )
        self._running[place] = process
        assert process.stdout is not None
        if await process.stdout.readline() != b"ready\n":
            what = "an API process" if is_api else "the worker"
            raise FailureError(f"{what} ended before it was ready (exit status {await process.wait()})")

    async def _keep(self, place: int, meters: str) -> None:
        """Start a process anew whenever it has died."""
        delay = _FIRST_DELAY_SECONDS
        while True:
            start = time.monotonic()
            status = await self._running[place].wait()
            lived = time.monotonic() - start
            delay = _FIRST_DELAY_SECONDS if lived > _STEADY_SECONDS else min(delay * 2, _LONGEST_DELAY_SECONDS)
            _log.error("process_died", place=place, status=status, next_start_seconds=delay)
            await asyncio.sleep(delay)
            try:
                await self._start(place, meters)
            except (FailureError, OSError) as error:
                _log.error("process_not_started", place=place, reason=str(error))

    async def _drain(self) -> None:
        """Ask all to end, and end those who do not."""
        _log.info("stopping")
        for process in self._living():
            process.terminate()
        try:
            await asyncio.wait_for(self._gone(), _PATIENCE_SECONDS)
        except TimeoutError:
            for process in self._living():
                _log.error("process_killed", pid=process.pid)
                process.kill()
            await self._gone()

    async def _gone(self) -> None:
        await asyncio.gather(*(process.wait() for process in self._living()))

    def _living(self) -> list[Process]:
        return [process for process in self._running.values() if process.returncode is None]
