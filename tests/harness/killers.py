"""A killer: ends and freezes processes of one service at drawn moments, and brings back what does not come by itself."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError
from loyalty_engine.persistence.embedded.supervisor import children_of
from tests.harness.servers import ServerProcess, Servers

Deed = Literal["kill api", "kill backend", "kill postmaster", "freeze api", "freeze backend"]

DEEDS: Final[tuple[Deed, ...]] = ("kill api", "kill backend", "kill postmaster", "freeze api", "freeze backend")
_PATIENCE_SECONDS: Final = 60.0
_LOOKS: Final = 100
_LOOK_SECONDS: Final = 0.1


@dataclass(slots=True)
class Killer:
    """Kills and freezes; ``deeds`` counts what it did. Every deed comes up once before any comes again."""

    servers: Servers
    database: EmbeddedServer
    dice: random.Random
    deeds: Counter[Deed] = field(default_factory=Counter)

    @property
    def kills(self) -> int:
        """How often something was killed."""
        return sum(count for deed, count in self.deeds.items() if deed.startswith("kill"))

    async def haunt(self, *, pause: tuple[float, float], until: float, at_least: int) -> None:
        """Do one deed after the other, with drawn pauses, until that monotonic moment and so many kills."""
        while time.monotonic() < until or self.kills < at_least:
            for deed in self.dice.sample(DEEDS, len(DEEDS)):
                await asyncio.sleep(self.dice.uniform(*pause))
                await self._do(deed)
                if time.monotonic() >= until and self.kills >= at_least:
                    break

    async def _do(self, deed: Deed) -> None:
        process = self.dice.choice(self.servers.processes)
        match deed:
            case "kill api":
                process.kill()
                await asyncio.to_thread(_revive, process)
                done = True
            case "freeze api":
                done = await self._freeze(process.pid)
            case "kill postmaster":
                done = _signal(self._postmaster(), signal.SIGKILL)
            case "kill backend":
                done = _signal(await self._find_backend(), signal.SIGKILL)
            case "freeze backend":
                done = await self._freeze(await self._find_backend())
        if done:
            self.deeds[deed] += 1

    async def _freeze(self, pid: int | None) -> bool:
        if not _signal(pid, signal.SIGSTOP):
            return False
        await asyncio.sleep(self.dice.uniform(1.0, 3.0))
        _signal(pid, signal.SIGCONT)
        return True

    def _postmaster(self) -> int | None:
        with contextlib.suppress(EmbeddedServerError):
            return self.database.pid
        return None

    async def _find_backend(self) -> int | None:
        """One of the processes that serve connections, as soon as there is one; None when none comes."""
        for _ in range(_LOOKS):
            if (pid := self._backend()) is not None:
                return pid
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    def _backend(self) -> int | None:
        postmaster = self._postmaster()
        found = [pid for pid in children_of(postmaster) if _serves(pid)] if postmaster else []
        return self.dice.choice(found) if found else None


def _serves(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"[local]" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _signal(pid: int | None, number: signal.Signals) -> bool:
    """Send a signal; tell whether there was somebody to get it."""
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def _revive(process: ServerProcess) -> None:
    """Start a killed process again, as who runs it would: until it stands, even if the database is away at first."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        process.start()
        with contextlib.suppress(AssertionError):
            process.wait_until_ready()
            return
        process.kill()
        assert time.monotonic() < deadline, process.log
