"""Tokens: the secrets that API clients show. We keep their SHA-256 only.

A token carries its program's number, so that the look-up stays inside one program, and a checksum, so that a typing
error never reaches the database.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Final, Literal

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_CHARS: Final = 32
"""32 characters of base 32: 160 random bits."""
_CHECK_CHARS: Final = 7
_FORM: Final = re.compile(
    rf"(?P<body>lk_(?:live|test)_(?P<program>[0-9]{{1,9}})_[{_ALPHABET}]{{{_RANDOM_CHARS}}})(?P<check>[{_ALPHABET}]{{{_CHECK_CHARS}}})"
)

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
    return Token(text, hash_token(text), f"lk_{mode}_{program_id}_…{text[-4:]}")


def mode_of(hint: str) -> Mode:
    """Return the mode of the token behind a hint."""
    return "live" if hint.startswith("lk_live_") else "test"


def hash_token(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_program_id(token: str) -> int | None:
    """Return the program of a well-formed token; None for anything that we never issued."""
    form = _FORM.fullmatch(token)
    if form is None or _checksum(form["body"]) != form["check"]:
        return None
    return int(form["program"])


def _checksum(body: str) -> str:
    """Let tools tell a mistyped or leaked key without asking us; it protects nothing."""
    value = zlib.crc32(body.encode("ascii"))
    chars = []
    for _ in range(_CHECK_CHARS):
        value, digit = divmod(value, 32)
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))
