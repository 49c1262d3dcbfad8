"""Authentication: from a bearer token to the client behind it, remembered for a short while.

The token carries its program's number, so that the look-up stays inside one program. What is remembered is dropped as
soon as any statement shows that the client's generation moved on: a revoked key stops working with its next request.
"""

import hashlib
import secrets
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from loyalty_engine.persistence.clients import Client, find_client
from loyalty_engine.persistence.sessions import Sessions

_REMEMBERED_SECONDS: Final = 30.0
_REMEMBERED: Final = 10_000
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_CHARS: Final = 32
"""32 characters of base 32: 160 random bits."""
_CHECK_CHARS: Final = 7

Mode = Literal["live", "test"]


@dataclass(frozen=True, slots=True)
class Token:
    """A new secret: ``text`` is shown once, ``hash`` is kept, ``hint`` lets people recognise it."""

    text: str
    hash: bytes
    hint: str


def make_token(program_id: int, mode: Mode) -> Token:
    """Return a fresh token ``lk_<mode>_<program>_<random><checksum>``."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    body = f"lk_{mode}_{program_id}_{random}"
    text = body + _checksum(body)
    return Token(text, _hash(text), f"lk_{mode}_{program_id}_…{text[-4:]}")


def read_program_id(token: str) -> int | None:
    """Return the program of a well-formed token; None for anything that we never issued."""
    parts = token.split("_")
    if len(token) > 80 or len(parts) != 4 or parts[0] != "lk" or parts[1] not in {"live", "test"}:
        return None
    if not token.isascii() or not parts[2].isdecimal() or len(parts[2]) > 9:
        return None
    body = token[:-_CHECK_CHARS]
    return int(parts[2]) if _checksum(body) == token[-_CHECK_CHARS:] else None


class Authenticator:
    """Finds clients by token."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._remembered: OrderedDict[bytes, tuple[float, Client]] = OrderedDict()

    async def find_client(self, token: str) -> Client | None:
        """Return the client of a live token, None for any other; a typing error never reaches the database."""
        digest = _hash(token)
        remembered = self._remembered.get(digest)
        if remembered is not None and remembered[0] > time.monotonic():
            return remembered[1]
        program_id = read_program_id(token)
        if program_id is None:
            return None
        async with self._sessions.open(program_id) as connection:
            client = await find_client(connection, program_id, digest)
        if client is not None:
            self._remember(digest, client)
        return client

    def forget(self, token: str) -> None:
        """Drop what is remembered of a token, because it proved stale."""
        self._remembered.pop(_hash(token), None)

    def _remember(self, digest: bytes, client: Client) -> None:
        self._remembered[digest] = (time.monotonic() + _REMEMBERED_SECONDS, client)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _checksum(body: str) -> str:
    """Let tools tell a mistyped or leaked key without asking us; it protects nothing."""
    value = zlib.crc32(body.encode("ascii"))
    chars = []
    for _ in range(_CHECK_CHARS):
        value, digit = divmod(value, 32)
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))
