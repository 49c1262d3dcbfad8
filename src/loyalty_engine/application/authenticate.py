"""Authentication: from a bearer token to the client behind it, remembered for a short while.

What is remembered is dropped as soon as any statement shows that the client's generation moved on: a revoked key stops
working with its next request. An expiry moves no generation, so nothing is remembered longer than its key lives.
"""

import time
from collections import OrderedDict
from typing import Final

from loyalty_engine.application.tokens import hash_token, read_program_id
from loyalty_engine.persistence.clients import Client, find_client
from loyalty_engine.persistence.sessions import Sessions

_REMEMBERED_SECONDS: Final = 30.0
_REMEMBERED: Final = 10_000


class Authenticator:
    """Finds clients by token."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._remembered: OrderedDict[bytes, tuple[float, Client]] = OrderedDict()

    async def find_client(self, token: str) -> Client | None:
        """Return the client of a live token, None for any other; a typing error never reaches the database."""
        remembered = self.find_remembered(token)
        if remembered is not None:
            return remembered
        program_id = read_program_id(token)
        if program_id is None:
            return None
        digest = hash_token(token)
        async with self._sessions.open(program_id) as connection:
            client = await find_client(connection, program_id, digest)
        if client is not None:
            self._remember(digest, client)
        return client

    def find_remembered(self, token: str) -> Client | None:
        """Return the client of a token that was found lately; None does not mean that there is none."""
        remembered = self._remembered.get(hash_token(token))
        return None if remembered is None or remembered[0] <= time.monotonic() else remembered[1]

    async def is_current(self, token: str, client: Client) -> bool:
        """Look a token up anew and tell whether it still leads to ``client`` as it was."""
        self.forget(token)
        found = await self.find_client(token)
        return found is not None and (found.key_id, found.generation) == (client.key_id, client.generation)

    def forget(self, token: str) -> None:
        """Drop what is remembered of a token, because it proved stale."""
        self._remembered.pop(hash_token(token), None)

    def _remember(self, digest: bytes, client: Client) -> None:
        seconds = _REMEMBERED_SECONDS if client.key_seconds is None else min(_REMEMBERED_SECONDS, client.key_seconds)
        self._remembered[digest] = (time.monotonic() + seconds, client)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
