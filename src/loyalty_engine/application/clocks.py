"""Clocks: what time it is in a program. A live program goes by real time; a sandbox may have been moved ahead of it."""

from collections.abc import Callable
from datetime import datetime

from loyalty_engine.persistence.programs import read_ahead
from loyalty_engine.persistence.sessions import Sessions

Clock = Callable[[], datetime]
"""Tells real time."""


class Clocks:
    """The clocks of all programs, as this process sees them."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._live: set[int] = set()

    async def now(self, program_id: int) -> datetime:
        """Return what the program's clock shows. Only a sandbox costs a round trip: somebody may have moved it."""
        if program_id not in self._live:
            async with self._sessions.open(program_id) as connection:
                ahead = await read_ahead(connection, program_id)
            if ahead is not None:
                return self._clock() + ahead
            self._live.add(program_id)
        return self._clock()
